"""The table that is protected, as the catalogue knows it."""

from dataclasses import dataclass
from typing import Self

import asyncpg

from multi_tenant_db.protecting.former_state import FormerState
from multi_tenant_db.protecting.protection_error import ProtectionError
from multi_tenant_db.protecting.table_step import TableStep

LONGEST_STEM = 40
"""Characters of the table's name in names of its new objects, whose length PostgreSQL limits."""

SHADOW_POLICY = "everything passes in shadow"

FIND = """
    SELECT class.oid AS table_id,
           class.oid::regclass::text AS name,
           class.relnamespace::regnamespace::text AS schema_name,
           class.relname::text AS relation_name,
           class.relforcerowsecurity AS is_forced,
           coalesce(organization.attnotnull, false) AS is_complete,
           col_description(class.oid, organization.attnum) AS comment,
           EXISTS (
               SELECT
               FROM pg_constraint AS reference
               WHERE reference.conrelid = class.oid
                 AND reference.contype = 'f'
                 AND reference.confrelid = 'tenancy.tenants'::regclass
                 AND reference.convalidated
                 AND cardinality(reference.conkey) = 2
           ) AS is_referring,
           EXISTS (
               SELECT
               FROM pg_policy AS policy
               WHERE policy.polrelid = class.oid
                 AND policy.polname = $2
           ) AS is_shadowed,
           ARRAY(
               SELECT quote_ident(attribute.attname)
               FROM pg_index AS index
               CROSS JOIN LATERAL unnest(index.indkey) WITH ORDINALITY AS part (attnum, number)
               JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum = part.attnum
               WHERE index.indrelid = class.oid
                 AND index.indisprimary
               ORDER BY part.number
           ) AS primary_key
    FROM pg_class AS class
    LEFT JOIN pg_attribute AS organization
           ON organization.attrelid = class.oid
          AND organization.attname = 'organization_id'
          AND NOT organization.attisdropped
    WHERE class.oid = to_regclass($1)
"""


@dataclass(frozen=True)
class ExistingTable:
    """`name` and `schema_name` are quoted where they need it."""

    table_id: int
    name: str
    schema_name: str
    relation_name: str
    primary_key: tuple[str, ...]
    step: TableStep
    former: FormerState | None
    """None while the table is untouched."""

    @classmethod
    async def find(cls, connection: asyncpg.Connection, name: str) -> Self:
        """Find a table by its name with its schema. Raises ProtectionError."""
        try:
            row = await connection.fetchrow(FIND, name, SHADOW_POLICY)
        except (asyncpg.SyntaxOrAccessError, asyncpg.InvalidNameError, asyncpg.FeatureNotSupportedError):
            row = None
        if row is None:
            raise ProtectionError(f"there is no table {name}: name it with its schema, such as tenancy.payments")
        former = FormerState.read(row["comment"])
        return cls(
            row["table_id"],
            row["name"],
            row["schema_name"],
            row["relation_name"],
            tuple(row["primary_key"]),
            _step(row, former),
            former,
        )

    def new_name(self, ending: str) -> str:
        """Return the quoted name of an object that belongs to the table."""
        name = f"{self.relation_name[:LONGEST_STEM]}_{ending}"
        return '"' + name.replace('"', '""') + '"'

    @property
    def recorded(self) -> FormerState:
        """Return what undo restores. The table is prepared."""
        if self.former is None:
            raise ProtectionError(f"{self.name} is not prepared: run `mtdb table prepare {self.name}`")
        return self.former

    def require(self, *steps: TableStep) -> None:
        """Raise ProtectionError unless the table is at one of these steps."""
        if self.step not in steps:
            raise ProtectionError(f"{self.name} is {self.step}; next: {self.step.what_next}")


def _step(row: asyncpg.Record, former: FormerState | None) -> TableStep:
    if former is None:
        return TableStep.UNTOUCHED
    if row["is_forced"]:
        return TableStep.ENFORCED
    if row["is_shadowed"]:
        return TableStep.SHADOWED
    return TableStep.VALIDATED if row["is_complete"] and row["is_referring"] else TableStep.PREPARED
