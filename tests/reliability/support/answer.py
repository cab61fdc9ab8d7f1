"""One request, as its client saw it."""

from http import HTTPStatus
from typing import NamedTuple

PASSING = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


class Answer(NamedTuple):
    """When it was sent and answered, in seconds of the monotonic clock; a status of None is a broken connection."""

    method: str
    status: int | None
    started: float
    ended: float
    is_right: bool

    @property
    def seen(self) -> str:
        """What the client saw, as the report names it."""
        return "connection broken" if self.status is None else str(self.status)
