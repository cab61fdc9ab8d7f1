"""Second step: the organisation of the rows that the table has."""

import asyncio
from collections.abc import Callable

import asyncpg

from multi_tenant_db.protecting.existing_table import ExistingTable
from multi_tenant_db.protecting.filling import KNOWN
from multi_tenant_db.protecting.protection_error import ProtectionError
from multi_tenant_db.protecting.session import as_owner
from multi_tenant_db.protecting.table_step import TableStep

SHOWN = 5
"""How many wrong tenants a message names."""
PASSES = 10
"""How often the table is gone through for rows that another transaction held."""
TRANSACTION_TIMEOUT_MS = 30_000

SIZE = """
    SELECT pg_relation_size(class.oid) / current_setting('block_size')::bigint AS pages,
           greatest(class.reltuples / greatest(class.relpages, 1), 1)::float8 AS rows_per_page
    FROM pg_class AS class
    WHERE class.oid = $1
"""

FILL = """
    WITH batch AS (
        SELECT own.ctid, known.organization_id
        FROM {table} AS own
        JOIN {known} AS known ON known.tenant_id = own.tenant_id
        WHERE own.ctid >= $1::text::tid
          AND own.ctid < $2::text::tid
          AND own.organization_id IS NULL
        FOR NO KEY UPDATE OF own SKIP LOCKED
    )
    UPDATE {table} AS own
    SET organization_id = batch.organization_id
    FROM batch
    WHERE own.ctid = batch.ctid
"""
"""Waits for no row, so that it takes part in no deadlock. Rows that are held are changed by their holder, or later."""

IS_LEFT = """
    SELECT EXISTS (
        SELECT
        FROM {table} AS own
        JOIN {known} AS known ON known.tenant_id = own.tenant_id
        WHERE own.organization_id IS NULL
    )
"""

WRONG = """
    SELECT own.tenant_id, count(*) AS rows, sum(count(*)) OVER () AS all_rows, count(*) OVER () AS all_tenants
    FROM {table} AS own
    LEFT JOIN {known} AS known ON known.organization_id = own.organization_id AND known.tenant_id = own.tenant_id
    WHERE known.tenant_id IS NULL
    GROUP BY own.tenant_id
    ORDER BY own.tenant_id
    LIMIT {shown}
"""


async def backfill(
    connection: asyncpg.Connection,
    table: ExistingTable,
    *,
    batch: int,
    pause: float,
    progress: Callable[[int, int], None] = lambda _pages, _of: None,
) -> int:
    """Fill in the organisation page by page, each batch in a transaction of its own; return the number of rows.

    A run that was interrupted goes on where rows have no organisation. Raises ProtectionError if rows name no tenant.
    """
    table.require(TableStep.PREPARED)
    filled = 0
    for _ in range(PASSES):
        filled += await _go_through(connection, table, batch, pause, progress)
        if not await is_left(connection, table):
            await refuse_wrong_rows(connection, table)
            return filled
    raise ProtectionError("other transactions hold rows without an organisation: run it again when they have ended")


async def is_left(connection: asyncpg.Connection, table: ExistingTable) -> bool:
    """Return whether rows of existing tenants have no organisation yet."""
    async with as_owner(connection):
        return bool(await connection.fetchval(IS_LEFT.format(table=table.name, known=KNOWN)))


async def _go_through(
    connection: asyncpg.Connection,
    table: ExistingTable,
    batch: int,
    pause: float,
    progress: Callable[[int, int], None],
) -> int:
    size = await connection.fetchrow(SIZE, table.table_id)
    step = max(1, int(batch / size["rows_per_page"]))
    filled = 0
    for first in range(0, size["pages"], step):
        async with connection.transaction():
            # The application's triggers take no notice, and the column is filled in once.
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute("SET LOCAL ROLE tenancy_owner")
            await connection.execute(f"SET LOCAL transaction_timeout = {TRANSACTION_TIMEOUT_MS}")
            status = await connection.execute(
                FILL.format(table=table.name, known=KNOWN), f"({first},0)", f"({first + step},0)"
            )
        rows = int(status.split()[-1])
        filled += rows
        progress(min(first + step, size["pages"]), size["pages"])
        if rows and pause:
            await asyncio.sleep(pause)
    return filled


async def refuse_wrong_rows(connection: asyncpg.Connection, table: ExistingTable) -> None:
    """Raise ProtectionError if rows name no tenant, or a tenant with another organisation."""
    async with as_owner(connection):
        wrong = await connection.fetch(WRONG.format(table=table.name, known=KNOWN, shown=SHOWN))
    if not wrong:
        return
    named = ", ".join(f"{row['tenant_id']} ({row['rows']})" for row in wrong)
    more = ", ..." if wrong[0]["all_tenants"] > SHOWN else ""
    raise ProtectionError(
        f"{wrong[0]['all_rows']} rows of {table.name} name tenants that do not exist: "
        f"{named}{more}; correct or delete these rows, then run `mtdb table backfill {table.name}` again"
    )
