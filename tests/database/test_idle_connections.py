"""Idle connections between two callers."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from multi_tenant_db.database.connection_pool import ConnectionPool
from multi_tenant_db.database.tenant_session import transaction
from tests.support.engines import pool
from tests.support.test_database import TestDatabase


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[AsyncEngine]:
    """Give a pool of one connection."""
    async with pool(database, pool_size=1, pool_timeout_seconds=1) as engine:
        yield engine


async def backend(engine: AsyncEngine) -> int:
    """Return the process that serves the next transaction."""
    async with transaction(engine) as session:
        process: int | None = await session.scalar(text("SELECT pg_backend_pid()"))
    assert process
    return process


async def test_the_next_caller_takes_the_same_connection(engine: AsyncEngine) -> None:
    """One connection serves one caller after the other, and is in use for neither in between."""
    first = await backend(engine)
    assert isinstance(engine.pool, ConnectionPool)
    assert engine.pool.in_use() == 0
    assert await backend(engine) == first


async def test_a_connection_by_sqlalchemy_alone_never_enters_the_pool(
    engine: AsyncEngine, as_admin: asyncpg.Connection
) -> None:
    """State that `engine.connect()` leaves in its session reaches no caller: its connection is closed."""
    first = await backend(engine)
    async with engine.connect() as connection:
        await connection.execute(text("SET app.current_tenant = 'left behind'"))
        other = await connection.scalar(text("SELECT pg_backend_pid()"))
    assert other != first
    assert await backend(engine) == first
    await wait_for_end_of(other, as_admin)


async def test_one_that_the_server_has_closed_is_replaced(engine: AsyncEngine, as_admin: asyncpg.Connection) -> None:
    """The next caller gets another connection, and no error."""
    first = await backend(engine)
    assert await as_admin.fetchval("SELECT pg_terminate_backend($1, 5000)", first)
    await asyncio.sleep(0.1)  # until the driver, too, has read the end
    assert await backend(engine) != first


async def test_a_pool_gets_no_connection_of_one_before_it(engine: AsyncEngine) -> None:
    """A transaction that began before the pool was disposed of ends in its own pool."""
    before = engine.pool
    async with transaction(engine):
        await engine.dispose()
    assert isinstance(engine.pool, ConnectionPool)
    assert engine.pool is not before
    assert engine.pool.in_use() == 0
    await greenlet_spawn(before.dispose)


async def test_disposing_of_the_pool_closes_it(engine: AsyncEngine, as_admin: asyncpg.Connection) -> None:
    """No connection stays open."""
    first = await backend(engine)
    await engine.dispose()
    await wait_for_end_of(first, as_admin)


async def wait_for_end_of(process: int | None, as_admin: asyncpg.Connection) -> None:
    """Fail when the process still serves a connection after five seconds."""
    for _ in range(50):
        if not await as_admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", process):
            return
        await asyncio.sleep(0.1)
    pytest.fail("the connection is still open")
