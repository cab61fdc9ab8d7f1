"""Third step: every row has an organisation and a tenant, and the key has an index."""

import asyncpg

from multi_tenant_db.lint.expected import TENANTS
from multi_tenant_db.protecting import backfilling
from multi_tenant_db.protecting.existing_table import ExistingTable
from multi_tenant_db.protecting.protection_error import ProtectionError
from multi_tenant_db.protecting.session import change, execute_all
from multi_tenant_db.protecting.table_step import TableStep

KEY = ("organization_id", "tenant_id")

INDEX_IS_VALID = """
    SELECT index.indisvalid
    FROM pg_index AS index
    WHERE index.indrelid = $1
      AND index.indexrelid = to_regclass($2)
"""
HAS_CONSTRAINT = "SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = $1 AND conname = $2)"


async def validate(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Create the index and the constraints, and verify them while the table is used. Raises ProtectionError."""
    table.require(TableStep.PREPARED)
    if await backfilling.is_left(connection, table):
        raise ProtectionError(f"{table.name} has rows without an organisation: run `mtdb table backfill {table.name}`")
    await backfilling.refuse_wrong_rows(connection, table)
    await _create_index(connection, table)
    complete, reference = table.new_name("organization_known"), table.new_name("tenant_fkey")
    if not await _has_constraint(connection, table, complete):
        await change(
            connection,
            lambda: execute_all(
                connection,
                f"ALTER TABLE {table.name} ADD CONSTRAINT {complete} CHECK (organization_id IS NOT NULL) NOT VALID",
            ),
        )
    if not await _has_constraint(connection, table, reference):
        await change(
            connection,
            lambda: execute_all(
                connection,
                f"ALTER TABLE {table.name} ADD CONSTRAINT {reference} FOREIGN KEY (organization_id, tenant_id)"
                f" REFERENCES {TENANTS} (organization_id, tenant_id) ON DELETE CASCADE NOT VALID",
            ),
        )
    # As a superuser: the tenants are hidden from the owner, and the reference would fail.
    for constraint in (complete, reference):
        await connection.execute(f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {constraint}")
    await change(
        connection,
        lambda: execute_all(
            connection,
            f"ALTER TABLE {table.name} ALTER COLUMN organization_id SET NOT NULL",
            f"ALTER TABLE {table.name} DROP CONSTRAINT {complete}",
        ),
    )


async def undo(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Drop the constraints and the index."""
    table.require(TableStep.VALIDATED, TableStep.PREPARED)
    await change(
        connection,
        lambda: execute_all(
            connection,
            f"ALTER TABLE {table.name} ALTER COLUMN organization_id DROP NOT NULL",
            f"ALTER TABLE {table.name} DROP CONSTRAINT IF EXISTS {table.new_name('organization_known')}",
            f"ALTER TABLE {table.name} DROP CONSTRAINT IF EXISTS {table.new_name('tenant_fkey')}",
        ),
    )
    await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_index(table)}")


async def _create_index(connection: asyncpg.Connection, table: ExistingTable) -> None:
    is_valid = await connection.fetchval(INDEX_IS_VALID, table.table_id, _index(table))
    if is_valid:
        return
    if is_valid is False:  # an interrupted run has left it
        await connection.execute(f"DROP INDEX CONCURRENTLY {_index(table)}")
    unique = "UNIQUE" if table.primary_key else ""
    columns = ", ".join((*KEY, *(column for column in table.primary_key if column not in KEY)))
    await connection.execute(
        f"CREATE {unique} INDEX CONCURRENTLY {table.new_name('tenant_key')} ON {table.name} ({columns})"
    )


def _index(table: ExistingTable) -> str:
    return f"{table.schema_name}.{table.new_name('tenant_key')}"


async def _has_constraint(connection: asyncpg.Connection, table: ExistingTable, quoted: str) -> bool:
    name = quoted[1:-1].replace('""', '"')
    return bool(await connection.fetchval(HAS_CONSTRAINT, table.table_id, name))
