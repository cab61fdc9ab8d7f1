"""A standby that serves reads."""

from collections.abc import Callable
from datetime import datetime
from math import inf
from time import monotonic
from typing import Any
from weakref import WeakSet

import asyncpg
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.connecting import Connect, connect
from multi_tenant_db.database.connection_pool import pool_of

STARTED_AT = "SELECT pg_catalog.pg_postmaster_start_time()"
"""Tells one server from another behind the same address."""


class Standby:
    """A server with a copy of the primary's data, its pool, and how far the copy has come.

    What is known of its copy is true of one server only. A connection that reaches another one, as behind a load
    balancer or after a restart, is refused.
    """

    def __init__(self, url: URL, make_engine: Callable[[Connect], AsyncEngine], *, max_lag_seconds: float) -> None:
        self.url = url
        self.max_lag_seconds = max_lag_seconds
        self._started_at: datetime | None = None
        self._caught_up_to = -inf
        self._drivers: WeakSet[asyncpg.Connection] = WeakSet()
        self.engine = make_engine(self._connect)

    def shows(self, moment: float) -> bool:
        """Return whether a read there sees all that was acknowledged until the moment, and is not too far behind.

        Moments are those of `monotonic()`.
        """
        return moment <= self._caught_up_to and self.lag() <= self.max_lag_seconds

    def lag(self) -> float:
        """Return the seconds since the moment up to which it shows all, infinite when that is unknown."""
        return monotonic() - self._caught_up_to

    def identify(self, started_at: datetime) -> None:
        """Note which server is watched, by the moment of its start."""
        if started_at != self._started_at:
            self.abandon()
            self._started_at = started_at

    def note_progress(self, moment: float) -> None:
        """Note that a read there sees all that was acknowledged until the moment."""
        self._caught_up_to = moment

    def suspend(self) -> None:
        """Send no read there until progress is noted again."""
        self._caught_up_to = -inf

    def abandon(self) -> None:
        """Suspend it and close its connections: reads that wait for it fail at once, and go to the primary."""
        self.suspend()
        for driver in self._drivers:
            driver.terminate()
        pool_of(self.engine).drop_idle()

    async def _connect(self, **options: Any) -> asyncpg.Connection:
        driver = await connect(**options)
        is_watched = False
        try:
            is_watched = await driver.fetchval(STARTED_AT, timeout=options["timeout"]) == self._started_at
        finally:
            if not is_watched:  # or it was cancelled: the event loop would keep the connection open
                driver.terminate()
        if not is_watched:
            raise asyncpg.TargetServerAttributeNotMatched("the address leads to another server than the one watched")
        self._drivers.add(driver)
        return driver
