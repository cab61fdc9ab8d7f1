"""A table whose rows move with their organisation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MovedTable:
    """A table with the column organization_id. Names are quoted where they must be, and say their schema."""

    name: str
    columns: tuple[str, ...]
    """Sorted by name, so that servers on which they were added in another order agree."""
    definition: tuple[str, ...]
    """The columns with their types."""
    has_identity: bool
    """Whether its replica identity includes the organisation, so that its changes can be filtered."""
    obstacle: str | None = None
    """Why logical replication cannot copy it."""

    @property
    def row(self) -> str:
        """Return an expression for the whole row, as text."""
        return f"ROW({', '.join(self.columns)})::text"
