"""Idle connections between two callers."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from multi_tenant_db.database.connection_pool import ConnectionPool
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.errors import DatabaseUnavailable
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


async def test_a_connection_closed_by_the_server_is_replaced(engine: AsyncEngine, as_admin: asyncpg.Connection) -> None:
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


async def two_idle(engine: AsyncEngine) -> set[int]:
    """Fill a pool of two, and return the processes of both."""
    async with transaction(engine) as session:
        other = await backend(engine)
        mine = await session.scalar(text("SELECT pg_backend_pid()"))
    return {mine, other}


async def run(engine: AsyncEngine, *statements: str) -> None:
    """Run statements in one transaction."""
    async with transaction(engine) as session:
        for statement in statements:
            await session.execute(text(statement))


async def test_a_statement_without_a_response_closes_the_idle_connections(database: TestDatabase) -> None:
    """Its server may be frozen or gone, so the next caller gets a new connection, maybe to another server."""
    async with pool(database, pool_size=2, command_timeout_seconds=1) as engine:
        before = await two_idle(engine)
        with pytest.raises(DatabaseUnavailable):
            await run(engine, "SELECT pg_sleep(4)")
        assert not {await backend(engine)} & before


async def test_a_statement_that_fails_leaves_the_idle_connections_open(database: TestDatabase) -> None:
    """A server that responds, even with its own timeout, is kept."""
    async with pool(database, pool_size=2) as engine:
        before = await two_idle(engine)
        with pytest.raises(DBAPIError):
            await run(engine, "SELECT 1 / 0")
        with pytest.raises(DatabaseUnavailable):
            await run(engine, "SET LOCAL statement_timeout = 50", "SELECT pg_sleep(4)")
        assert await two_idle(engine) == before
