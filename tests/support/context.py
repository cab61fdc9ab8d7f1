"""SQL in somebody's name: a token in the transaction's context, as the service presents it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

ALL_TENANTS = "SELECT tenant.* FROM tenancy.tenants AS tenant ORDER BY organization_id, tenant_id"


@asynccontextmanager
async def presenting(
    connection: asyncpg.Connection, token: str | None, *, as_platform: bool = False
) -> AsyncIterator[asyncpg.Connection]:
    """Open a transaction that carries the token, whatever it is; None carries nothing."""
    async with connection.transaction():
        if token is not None:
            await connection.execute("SELECT set_config('app.current_tenant', $1, true)", token)
        if as_platform:
            await connection.execute("SET LOCAL ROLE tenancy_platform")
        yield connection


async def visible_ids(connection: asyncpg.Connection) -> list[UUID]:
    """Return the ids of all tenants that the connection sees, in key order."""
    return [row["tenant_id"] for row in await connection.fetch(ALL_TENANTS)]


async def stored_tenants(as_admin: asyncpg.Connection) -> list[asyncpg.Record]:
    """Return every tenant with every column, as the superuser sees them: equal lists mean that nothing was written."""
    rows: list[asyncpg.Record] = await as_admin.fetch(ALL_TENANTS)
    return rows


def affected(status: str) -> int:
    """Return the number of rows in a command's status, such as `UPDATE 3`."""
    return int(status.rsplit(" ", 1)[1])
