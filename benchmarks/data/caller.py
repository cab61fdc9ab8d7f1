"""Somebody who asks."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Caller:
    """A parent with a live token, and the ids of its subsidiaries in the order of the key."""

    tenant_id: UUID
    token: str
    subsidiaries: list[UUID]
