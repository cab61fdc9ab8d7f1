"""Somebody in the storm, and what may be shown to him."""

import re
from dataclasses import dataclass, field
from math import inf
from typing import Any
from uuid import UUID

MARK = re.compile(r"mark-[0-9a-f]{12}")


@dataclass
class StormCaller:
    """A token and whom it proves. Everything his organisation writes bears its mark.

    `taken` is a name that another tenant of his organisation has, `hidden` are ids that he must not notice, and `made`
    those that he created and may delete. Times are of time.monotonic().
    """

    token: str
    tenant_id: UUID | None
    organization_id: UUID | None
    mark: str
    name: str = ""
    taken: str = ""
    alive_until: float = inf
    dead_from: float = inf
    subsidiaries: list[UUID] = field(default_factory=list)
    hidden: list[UUID] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    @property
    def is_operator(self) -> bool:
        """Whether he sees everything."""
        return self.tenant_id is None

    @property
    def is_parent(self) -> bool:
        """Whether he heads his organisation."""
        return self.tenant_id is not None and self.tenant_id == self.organization_id

    def may_see(self, tenant: dict[str, Any]) -> bool:
        """Whether this row is his."""
        if self.is_operator or tenant["tenant_id"] == str(self.tenant_id):
            return True
        return self.is_parent and tenant["parent_tenant_id"] == str(self.tenant_id)

    def foreign_marks(self, text: str) -> set[str]:
        """Return the marks of others in a text."""
        return set() if self.is_operator else set(MARK.findall(text)) - {self.mark}
