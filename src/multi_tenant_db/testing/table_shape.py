"""What the catalogue says about a table under test."""

from dataclasses import dataclass

import asyncpg

KEY = ("organization_id", "tenant_id")

FIND = """
    SELECT class.oid::regclass::text AS name, namespace.nspname AS schema_name, class.relname AS relation_name
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
    WHERE class.oid = to_regclass($1)
      AND class.relkind IN ('r', 'p')
"""
COLUMNS = """
    SELECT attribute.attname,
           EXISTS (
               SELECT
               FROM pg_catalog.pg_index AS index
               WHERE index.indrelid = attribute.attrelid
                 AND index.indisprimary
                 AND attribute.attnum = ANY (index.indkey)
           ) AS is_key,
           has_column_privilege('tenancy_api', attribute.attrelid, attribute.attnum, 'INSERT') AS is_insertable,
           has_column_privilege('tenancy_api', attribute.attrelid, attribute.attnum, 'UPDATE') AS is_updatable,
           has_table_privilege('tenancy_api', attribute.attrelid, 'DELETE') AS may_delete
    FROM pg_catalog.pg_attribute AS attribute
    WHERE attribute.attrelid = $1::text::regclass
      AND attribute.attnum > 0
      AND NOT attribute.attisdropped
    ORDER BY attribute.attnum
"""


@dataclass(frozen=True)
class TableShape:
    """Name, columns and grants of a table with tenants' rows."""

    name: str
    """With its schema, quoted as PostgreSQL prints it."""
    schema_name: str
    relation_name: str
    columns: tuple[str, ...]
    primary_key: tuple[str, ...]
    insertable: tuple[str, ...]
    """The columns that the service's role may insert."""
    updatable: tuple[str, ...]
    """The columns that the service's role may update."""
    may_delete: bool

    @classmethod
    async def read(cls, as_admin: asyncpg.Connection, table: str) -> "TableShape":
        """Read it; raises ValueError when there is no such table or it has no tenant's key."""
        found = await as_admin.fetchrow(FIND, table)
        if found is None:
            raise ValueError(f"there is no table {table}: write schema.table, and run its migration first")
        columns = await as_admin.fetch(COLUMNS, found["name"])
        names = tuple(column["attname"] for column in columns)
        if not set(KEY) <= set(names):
            raise ValueError(f"{table} has no columns organization_id and tenant_id: see docs/how-to/add-a-table.md")
        return cls(
            found["name"],
            found["schema_name"],
            found["relation_name"],
            names,
            tuple(column["attname"] for column in columns if column["is_key"]),
            tuple(column["attname"] for column in columns if column["is_insertable"]),
            tuple(column["attname"] for column in columns if column["is_updatable"]),
            any(column["may_delete"] for column in columns),
        )

    @property
    def changed_column(self) -> str:
        """The column that trials update: one that may be, or else the last outside the key, or of the key."""
        outside = [name for name in self.updatable if name not in {*KEY, *self.primary_key}]
        rest = [name for name in self.columns if name not in {*KEY, *self.primary_key}]
        return (outside or rest[-1:] or [self.columns[-1]])[0]


def quoted(name: str) -> str:
    """Return a name as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'
