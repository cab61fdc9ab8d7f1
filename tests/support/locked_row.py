"""A tenant that somebody else is busy with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.support.party import Party


@asynccontextmanager
async def locked_row(as_admin: asyncpg.Connection, party: Party) -> AsyncIterator[None]:
    """Hold the tenant's row for as long as it is entered: who writes it waits."""
    transaction = as_admin.transaction()
    await transaction.start()
    try:
        await as_admin.execute("SELECT FROM tenancy.tenants WHERE tenant_id = $1 FOR UPDATE", party.tenant_id)
        yield
    finally:
        await transaction.rollback()
