"""What is exported, imported or erased: an organisation, or one of its subsidiaries."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Scope:
    """A tenant; a parent stands for its organisation."""

    organization_id: UUID
    tenant_id: UUID
    name: str | None
    """None for a tenant that was deleted and has only its audit trail."""

    @property
    def is_organization(self) -> bool:
        """Return whether the subsidiaries belong to it."""
        return self.organization_id == self.tenant_id

    @property
    def condition(self) -> str:
        """Return the SQL condition on rows of a table with both ids."""
        own = f"organization_id = '{self.organization_id}'"
        return own if self.is_organization else f"{own} AND tenant_id = '{self.tenant_id}'"

    @property
    def description(self) -> str:
        """Return what messages call it."""
        kind = "organisation" if self.is_organization else "tenant"
        return f"{kind} {self.name or self.tenant_id}"
