"""Deletes an organisation's rows on the server that it does not live on."""

from uuid import UUID

import asyncpg

from multi_tenant_db.lint.expected import REQUESTS, TENANTS, TOKENS
from multi_tenant_db.moving.moved_table import MovedTable

BATCH = 5_000
OWN = "organization_id = $1"
OF_TENANTS = f"tenant_id IN (SELECT tenant_id FROM {TENANTS} WHERE organization_id = $1)"


async def delete_rows(connection: asyncpg.Connection, tables: tuple[MovedTable, ...], organization_id: UUID) -> None:
    """Delete in short transactions, without triggers: no event is recorded, and no reference is followed.

    The tenants come last, since idempotency keys are found by them.
    """
    names = [TOKENS, *(table.name for table in reversed(tables))]
    for table, condition in ((REQUESTS, OF_TENANTS), *((name, OWN) for name in names)):
        statement = (
            f"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {condition} LIMIT {BATCH}))"
        )
        status = ""
        while status != "DELETE 0":
            async with connection.transaction():
                await connection.execute("SET LOCAL session_replication_role = replica")
                status = await connection.execute(statement, organization_id)
