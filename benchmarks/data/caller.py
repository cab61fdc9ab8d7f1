"""A caller of the benchmarks."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Caller:
    """A parent with a live token, and the ids of its subsidiaries in key order."""

    tenant_id: UUID
    token: str
    subsidiaries: list[UUID]
