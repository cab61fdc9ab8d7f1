"""A way to keep requests in the middle of their transaction for as long as a test likes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.reliability.support.until import until
from tests.support.party import Party
from tests.support.test_database import TestDatabase

WAITING = "SELECT pid FROM pg_stat_activity WHERE usename = 'tenancy_api' AND pg_blocking_pids(pid) <> '{}'"


class RowLock:
    """A tenant's row, locked by somebody else: whoever would change it waits."""

    def __init__(self, holder: asyncpg.Connection, watcher: asyncpg.Connection) -> None:
        self._holder = holder
        self._watcher = watcher

    async def wait_for(self, requests: int) -> None:
        """Return once so many requests wait."""

        async def all_wait() -> bool:
            return len(await self._watcher.fetch(WAITING)) >= requests

        await until(all_wait, f"{requests} requests wait for the row")

    async def terminate_waiting(self) -> None:
        """Terminate the backends that wait."""
        await self._watcher.execute(f"SELECT pg_terminate_backend(pid) FROM ({WAITING}) AS waiting")

    async def release(self) -> None:
        """Let everybody go on."""
        await self._holder.execute("ROLLBACK")


@asynccontextmanager
async def locked_row(database: TestDatabase, tenant: Party) -> AsyncIterator[RowLock]:
    """Lock a tenant's row until it is released, or to the end."""
    holder, watcher = await database.connect_as_admin(), await database.connect_as_admin()
    try:
        await holder.execute("BEGIN")
        await holder.execute("SELECT FROM tenancy.tenants WHERE tenant_id = $1 FOR UPDATE", tenant.tenant_id)
        yield RowLock(holder, watcher)
    finally:
        await holder.close()
        await watcher.close()
