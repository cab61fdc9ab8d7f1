"""Where the model meets the real thing: a migrated database, connections to it, and the service in front."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI
from sqlalchemy import URL

from multi_tenant_db.main import create_app
from tests.support.fresh_database import fresh_database

CONNECTIONS = 3
POOL_SIZE = 2

PREPARATION = """
    ALTER ROLE tenancy_api IN DATABASE {database} SET lock_timeout = '20ms';
    ALTER ROLE tenancy_api IN DATABASE {database} SET idle_in_transaction_session_timeout = '1h';
    ALTER ROLE tenancy_api IN DATABASE {database} SET transaction_timeout = '1h';
    ALTER TABLE tenancy.tenants SET (autovacuum_enabled = false);
    ALTER TABLE tenancy.tenant_events SET (autovacuum_enabled = false);
    ALTER TABLE tenancy_private.access_tokens SET (autovacuum_enabled = false);
    SET lock_timeout = '20ms';
"""
"""Short timeouts for locks, since every wait ends by one, and long ones for open transactions."""


@dataclass
class Arena:
    """Hypothesis knows no asyncio, so a loop of our own runs each step, one at a time: a wait only ends by timeout."""

    runner: asyncio.Runner
    as_admin: asyncpg.Connection
    as_api: list[asyncpg.Connection]
    app: FastAPI
    client: httpx.AsyncClient
    steps: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work to its end."""
        return self.runner.run(work)


@contextmanager
def open_arena(server_url: URL) -> Iterator[Arena]:
    """Make an arena on a fresh database, and remove it."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        closing = AsyncExitStack()
        try:
            yield runner.run(_build(runner, server_url, closing))
        finally:
            runner.run(closing.aclose())


async def _build(runner: asyncio.Runner, server_url: URL, closing: AsyncExitStack) -> Arena:
    database = await closing.enter_async_context(fresh_database(server_url))
    as_admin = await database.connect_as_admin()
    closing.push_async_callback(as_admin.close)
    # The service checks its role's defaults when it starts; connections made afterwards begin with the machine's.
    app = create_app(database.settings(pool_size=POOL_SIZE))
    await closing.enter_async_context(app.router.lifespan_context(app))
    await as_admin.execute(PREPARATION.format(database=database.admin_url.database))
    await app.state.servers.dispose()

    as_api = [await database.connect_as_api() for _ in range(CONNECTIONS)]
    for connection in as_api:
        closing.push_async_callback(connection.close)

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    client = await closing.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://service"))
    return Arena(runner, as_admin, as_api, app, client)
