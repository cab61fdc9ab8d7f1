"""Which reads of a server go to a standby."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.failures import as_outage, moved_to
from multi_tenant_db.database.standby import Standby
from multi_tenant_db.database.write_times import WriteTimes
from multi_tenant_db.errors import DatabaseUnavailable
from multi_tenant_db.identity.caller import Caller

MOST_KNOWN = 10_000
"""Tokens whose organisation is remembered; the least recently verified one is asked for again."""

SECONDS_BETWEEN_LINES = 30.0

STANDBY_FAILURES = (DBAPIError, PoolTimeoutError, DatabaseUnavailable)
"""After these a read is repeated on the primary."""

type Answer = tuple[Caller, Sequence[Any]] | None
type ReadAt = Callable[[AsyncEngine], Awaitable[Answer]]
"""Signs in and reads in one message."""

log = logging.getLogger(__name__)


class ReadRouting:
    """Sends a read to a standby that shows every earlier write in the caller's organisation, if there is one.

    The organisation of a token is known after the primary has verified the token in this process. So a new token is
    not refused by a standby that has not received it yet.
    """

    def __init__(self, primary_url: URL, standbys: Sequence[Standby], write_times: WriteTimes) -> None:
        self.primary_url = primary_url
        self.standbys = standbys
        self.write_times = write_times
        self.reads_on_primary = self.reads_on_standby = 0
        self._organizations: OrderedDict[str, UUID] = OrderedDict()
        self._logged_at = float("-inf")

    def choose(self, token: str) -> Standby | None:
        """Return the standby for a read of the token's caller; None for the primary."""
        organization_id = self._organizations.get(token)
        if organization_id is None:
            return None
        written_at = self.write_times.latest(organization_id)
        return next((standby for standby in self.standbys if standby.shows(written_at)), None)

    async def read_from_standby(self, token: str, read_at: ReadAt) -> Answer:
        """Read from a standby that is fit for the caller; return None if there is none or it fails."""
        standby = self.choose(token)
        if standby is None:
            return None
        try:
            answer = await read_at(standby.engine)
        except STANDBY_FAILURES as failure:
            self.note_failure(standby, token, failure)
            return None
        self.reads_on_standby += 1
        return answer

    def has_fit_standby(self) -> bool:
        """Return whether reads go to a standby now, except those after a write."""
        return any(standby.shows(0.0) for standby in self.standbys)

    def lag(self) -> float:
        """Return the lag of the standby that is the least behind, in seconds; infinite when none follows."""
        return min(standby.lag() for standby in self.standbys)

    def note_caller(self, token: str, caller: Caller) -> None:
        """Note whom the primary has verified. Platform operators read in transactions, on the primary."""
        if caller.organization_id is None:
            return
        self._organizations[token] = caller.organization_id
        self._organizations.move_to_end(token)
        if len(self._organizations) > MOST_KNOWN:
            self._organizations.popitem(last=False)

    def note_failure(self, standby: Standby, token: str, failure: Exception) -> None:
        """After an outage send no read to the standby for now; after any other failure ask the primary.

        The primary has the last word about a token that is refused, or whose organisation has moved.
        """
        if not _is_outage(failure):
            self._organizations.pop(token, None)
            return
        standby.suspend()
        if monotonic() > self._logged_at + SECONDS_BETWEEN_LINES:
            self._logged_at = monotonic()
            log.warning("the standby on %s failed, the primary is asked: %s", standby.url.host, _cause(failure))


def _is_outage(failure: Exception) -> bool:
    if isinstance(failure, DBAPIError) and moved_to(failure):
        return False
    return not isinstance(failure, (DBAPIError, PoolTimeoutError)) or as_outage(failure) is not None


def _cause(failure: Exception) -> str:
    """Return the driver's message, which contains no value of a statement."""
    cause = getattr(failure, "orig", None) or failure.__cause__ or failure
    return f"{type(cause).__name__}: {cause}"
