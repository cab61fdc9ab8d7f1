"""What was erased, as far as the verification has to know it."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from multi_tenant_db.records.scope import Scope


@dataclass
class ErasedScope:
    """Ids, names and token hashes to look for, and the numbers of rows. Kept in memory only."""

    scope: Scope
    erased_at: datetime
    """By the server's clock, in the erasure's transaction."""
    tenant_ids: list[UUID] = field(default_factory=list)
    """Of all its tenants, also of those deleted earlier."""
    names: list[str] = field(default_factory=list)
    """Present and earlier ones; that of the scope first."""
    token_hashes: list[bytes] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    """Deleted rows by table."""
    events_replaced: int = 0
    """Events whose content was replaced."""

    @property
    def has_changed(self) -> bool:
        """Return whether there was anything left to erase."""
        return bool(self.events_replaced or any(self.rows.values()))
