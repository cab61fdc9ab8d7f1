"""A table whose rows are exported."""

from collections.abc import Sequence
from dataclasses import dataclass

from multi_tenant_db.records.record_column import RecordColumn
from multi_tenant_db.records.scope import Scope


@dataclass(frozen=True)
class RecordTable:
    """A table with the column organization_id. Its name is quoted where it must be, and says its schema."""

    name: str
    file: str
    columns: Sequence[RecordColumn]
    has_tenant: bool
    """Whether rows name their tenant; if not, they belong to the organisation as a whole."""
    is_partitioned: bool

    def is_in(self, scope: Scope) -> bool:
        """Return whether the scope can have rows of the table."""
        return self.has_tenant or scope.is_organization

    @property
    def source(self) -> str:
        """Return what stands after FROM."""
        return self.name if self.is_partitioned else f"ONLY {self.name}"

    def select_as_json(self, scope: Scope) -> str:
        """Return the query for the rows, one JSON object each, in the order of the key. NULLs are left out."""
        members = ", ".join(column.as_json for column in self.columns)
        return (
            f"SELECT JSON_OBJECT({members} ABSENT ON NULL RETURNING text)"
            f" FROM {self.source} WHERE {scope.condition} ORDER BY {self._order}"
        )

    @property
    def _order(self) -> str:
        key = sorted(
            (column for column in self.columns if column.position_in_key is not None),
            key=lambda column: column.position_in_key or 0,
        )
        if key:
            return ", ".join(column.in_order for column in key)
        return ", ".join(f'{column.name}::text COLLATE "C"' for column in self.columns)

    def insert_from_json(self, lines: str) -> str:
        """Return the statement that inserts the objects in the column `line` of another table."""
        stored = [column for column in self.columns if not column.is_generated]
        return (
            f"INSERT INTO {self.name} ({', '.join(column.name for column in stored)}) OVERRIDING SYSTEM VALUE"
            f" SELECT {', '.join(column.from_json for column in stored)}"
            f" FROM (SELECT line::jsonb AS record FROM {lines} OFFSET 0) AS imported"
        )
