"""A request, and the line that it must leave in the log."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.support.party import Party

NOBODY_VERIFIED = frozenset({400, 401, 422})
"""Statuses of requests that are refused before their token is looked at, and of those whose token is no good."""


@dataclass(frozen=True)
class SentRequest:
    """What is sent by whom, and how it ends; the contents are keyword arguments of httpx."""

    method: str
    path: str
    route: str | None
    status: int
    caller: Party | None
    contents: dict[str, Any] = field(default_factory=dict)
    request_id: str = field(default_factory=lambda: uuid4().hex)

    def line(self, platform_operator: Party) -> dict[str, Any]:
        """Return what the log says of it, apart from duration, time and level."""
        nobody = self.caller is None or self.status in NOBODY_VERIFIED or self.caller == platform_operator
        return {
            "event": "request",
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "request_id": self.request_id,
            "tenant_id": None if nobody or self.caller is None else str(self.caller.tenant_id),
        }
