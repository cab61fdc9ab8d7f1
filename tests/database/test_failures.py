"""Failures of the database: DatabaseUnavailable if a retry may succeed; defects pass unchanged."""

# ruff: noqa: PT012 - what raises is the transaction, so the block is the transaction

import asyncio
import socket
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import asyncpg
import pytest
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.database.failures import constraint_name, sqlstate
from multi_tenant_db.database.session import Session
from multi_tenant_db.database.tenant_session import tenant_session, transaction
from multi_tenant_db.development.ports import free_port
from multi_tenant_db.errors import DatabaseUnavailable
from multi_tenant_db.repositories.schema_repository import SchemaRepository
from tests.reliability.support.until import until
from tests.support.engines import pool
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.test_database import TestDatabase

TOUCH = text("UPDATE tenancy.tenants SET metadata = metadata WHERE tenant_id = :tenant_id")


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[AsyncEngine]:
    """Open a pool of one connection that does not wait long."""
    async with pool(database, pool_size=1, pool_timeout_seconds=0.1) as engine:
        yield engine


async def still_works(engine: AsyncEngine) -> bool:
    """Tell whether the pool serves the next transaction."""
    async with transaction(engine) as session:
        return bool(await session.scalar(text("SELECT true")))


async def end_backend(session: AsyncSession, as_admin: asyncpg.Connection) -> None:
    """Terminate the session's server process, as an administrator or a failover does."""
    process_id = await session.scalar(text("SELECT pg_backend_pid()"))
    assert await as_admin.fetchval("SELECT pg_terminate_backend($1, 5000)", process_id)


async def test_a_refused_login_is_not_an_invalid_token(database: TestDatabase, hsbc: Organization) -> None:
    """The service's own wrong password makes the database unavailable, never the caller unauthenticated."""
    async with pool(database, api_password="wrong") as engine:
        with pytest.raises(DatabaseUnavailable) as raised:
            async with tenant_session(engine, hsbc.parent.token):
                pytest.fail("the block must not be entered")

    # SQLAlchemy 2.1 wraps what the driver raises when it connects, 2.0 does not.
    cause = raised.value.__cause__
    assert (sqlstate(cause) if isinstance(cause, DBAPIError) else getattr(cause, "sqlstate", None)) == "28P01"
    assert raised.value.retry_after_seconds == 1


async def test_a_database_that_does_not_exist_is_unavailable(database: TestDatabase) -> None:
    """A wrong database name is reported as unavailability."""
    where = f"postgresql://{database.admin_url.host}:{database.admin_url.port}/nowhere"
    async with pool(database, database_url=where) as engine:
        with pytest.raises(DatabaseUnavailable):
            await still_works(engine)


async def test_a_database_closed_to_the_service_is_unavailable(
    database: TestDatabase, as_admin: asyncpg.Connection
) -> None:
    """Without the right to connect, which create_roles.sql grants, the database is unavailable."""
    quoted = await as_admin.fetchval("SELECT quote_ident(current_database())")
    await as_admin.execute(f"REVOKE CONNECT ON DATABASE {quoted} FROM tenancy_api")
    try:
        async with pool(database) as engine:
            with pytest.raises(DatabaseUnavailable):
                await still_works(engine)
    finally:
        await as_admin.execute(f"GRANT CONNECT ON DATABASE {quoted} TO tenancy_api")


async def test_a_closed_port_is_unavailable(database: TestDatabase) -> None:
    """A port without a server makes the database unavailable."""
    async with pool(database, database_url=f"postgresql://127.0.0.1:{free_port()}/nowhere") as engine:
        with pytest.raises(DatabaseUnavailable):
            await still_works(engine)


async def test_a_server_that_never_answers_is_unavailable(database: TestDatabase) -> None:
    """A server that accepts the connection and does not answer is given up after the connect timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/nowhere"
        async with pool(database, database_url=where, connect_timeout_seconds=0.2) as engine, asyncio.timeout(5):
            with pytest.raises(DatabaseUnavailable):
                await still_works(engine)


async def test_a_statement_that_takes_too_long_is_unavailable(engine: AsyncEngine) -> None:
    """The server's statement timeout ends the statement, and the connection stays usable."""
    with pytest.raises(DatabaseUnavailable) as raised:
        async with transaction(engine) as session:
            await session.execute(text("SET LOCAL statement_timeout = '50ms'"))
            await session.execute(text("SELECT pg_sleep(5)"))

    assert isinstance(raised.value.__cause__, DBAPIError)
    assert sqlstate(raised.value.__cause__) == "57014"
    assert await still_works(engine)


async def test_an_answer_that_does_not_come_is_unavailable(database: TestDatabase) -> None:
    """The driver's own time limit, for a frozen server, ends the wait as well."""
    async with pool(database, pool_size=1, command_timeout_seconds=1) as engine:
        with pytest.raises(DatabaseUnavailable):
            async with transaction(engine) as session:
                await session.execute(text("SELECT pg_sleep(4)"))
        assert await still_works(engine)


async def test_a_silent_server_costs_one_wait(database: TestDatabase) -> None:
    """After a timeout no statement is sent on the connection, not even a rollback."""
    watched: list[str] = []
    async with pool(database, pool_size=1, command_timeout_seconds=1) as engine:
        with pytest.raises(DatabaseUnavailable) as raised:
            async with transaction(engine) as session:
                driver: Any = (await session.begin_once()).driver_connection
                driver.add_query_logger(lambda record: watched.append(record.query))
                await session.fetch(CompiledStatement(text("SELECT pg_sleep(4)"), tuple))
        assert driver.is_closed()

    assert isinstance(raised.value.__cause__, DBAPIError)
    assert isinstance(raised.value.__cause__.orig, TimeoutError)
    assert not [query for query in watched if "ROLLBACK" in query]


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "SQLAlchemy"])
async def test_a_statement_prepared_for_another_column_type_is_unavailable(server_url: URL, compiled: bool) -> None:
    """After a migration has changed a column's type, a connection that knows the old one is replaced, after one 503."""
    statement = text("SELECT label FROM tenancy.labels")
    prepared = CompiledStatement(statement, tuple)

    async def read(session: Session) -> object:
        return await (session.fetch(prepared) if compiled else session.execute(statement))

    async with fresh_database(server_url) as own, pool(own, pool_size=1) as engine:
        admin = await own.connect_as_admin()
        await admin.execute("CREATE TABLE tenancy.labels (label varchar(9)); GRANT SELECT ON tenancy.labels TO PUBLIC")
        async with transaction(engine) as session:
            await read(session)
        await admin.execute("ALTER TABLE tenancy.labels ALTER COLUMN label TYPE text")
        await admin.close()
        with pytest.raises(DatabaseUnavailable):
            async with transaction(engine) as session:
                await read(session)
        async with transaction(engine) as session:
            await read(session)


async def test_a_lock_that_is_not_released_is_unavailable(
    engine: AsyncEngine, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """Waiting for a row that another transaction holds ends with the lock timeout."""
    tenant_id = hsbc.parent.tenant_id
    async with as_admin.transaction():
        await as_admin.execute("SELECT FROM tenancy.tenants WHERE tenant_id = $1 FOR UPDATE", tenant_id)
        with pytest.raises(DatabaseUnavailable) as raised:
            async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
                await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
                await session.execute(TOUCH, {"tenant_id": tenant_id})

    assert isinstance(raised.value.__cause__, DBAPIError)
    assert sqlstate(raised.value.__cause__) == "55P03"


async def has_ended(process_id: int | None, as_admin: asyncpg.Connection) -> bool:
    """Return whether the server's process has no session any more."""
    return not await as_admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", process_id)


async def test_an_idle_transaction_is_ended(
    engine: AsyncEngine, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A transaction left open is ended by the server; its next statement finds the database unavailable."""
    with pytest.raises(DatabaseUnavailable):
        async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
            process_id = await session.scalar(text("SELECT pg_backend_pid()"))
            await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
            await until(partial(has_ended, process_id, as_admin), "the server ends the session")
            await session.execute(text("SELECT true"))
    assert await still_works(engine)


async def test_a_connection_lost_in_a_transaction_is_unavailable(
    engine: AsyncEngine, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A server process that is terminated takes the transaction with it, and the next one gets a new process."""
    with pytest.raises(DatabaseUnavailable):
        async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
            await end_backend(session, as_admin)
            await session.execute(text("SELECT true"))
    assert await still_works(engine)


async def test_a_commit_that_fails_is_unavailable(
    engine: AsyncEngine, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """When the connection is lost before the commit, the error comes from the block's end and nothing is stored."""
    tenant_id = hsbc.parent.tenant_id
    with pytest.raises(DatabaseUnavailable):
        async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
            await session.execute(TOUCH, {"tenant_id": tenant_id})
            await end_backend(session, as_admin)

    version = await as_admin.fetchval("SELECT version FROM tenancy.tenants WHERE tenant_id = $1", tenant_id)
    assert version == 1


async def test_an_exhausted_pool_is_unavailable(engine: AsyncEngine) -> None:
    """When every connection is in use, the next transaction gives up after the pool's timeout."""
    async with transaction(engine):
        with pytest.raises(DatabaseUnavailable):
            await still_works(engine)
    assert await still_works(engine)


async def test_too_many_connections_is_unavailable(
    database: TestDatabase, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A server that has no connection left makes the database unavailable."""
    await as_admin.execute("ALTER ROLE tenancy_api CONNECTION LIMIT 0")
    try:
        async with pool(database) as engine:
            with pytest.raises(DatabaseUnavailable):
                async with tenant_session(engine, hsbc.parent.token):
                    pytest.fail("the block must not be entered")
    finally:
        await as_admin.execute("ALTER ROLE tenancy_api CONNECTION LIMIT -1")


async def test_a_violated_constraint_tells_its_name(engine: AsyncEngine, hsbc: Organization) -> None:
    """SQLSTATE and constraint are read from the driver's error; other failures have no constraint."""
    with pytest.raises(IntegrityError) as refused:
        async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
            await session.execute(text("UPDATE tenancy.tenants SET name = ''"))
    with pytest.raises(ProgrammingError) as wrong:
        async with transaction(engine) as session:
            await session.execute(text("SELECT nonsense"))

    assert (sqlstate(refused.value), constraint_name(refused.value)) == ("23514", "tenants_name_length")
    assert (sqlstate(wrong.value), constraint_name(wrong.value)) == ("42703", None)


async def test_a_failure_outside_the_server_has_no_sqlstate() -> None:
    """An error that no server sent has neither SQLSTATE nor constraint."""
    failure = DBAPIError("SELECT", None, ValueError("local"))

    assert (sqlstate(failure), constraint_name(failure)) == (None, None)


async def test_reading_the_revision_does_not_wait_for_a_busy_pool(database: TestDatabase) -> None:
    """Health gives up on its own, shorter time limit when the pool has no connection to give."""
    async with pool(database, pool_size=1, pool_timeout_seconds=30) as engine, transaction(engine):
        async with asyncio.timeout(5):
            with pytest.raises(DatabaseUnavailable):
                await SchemaRepository(engine).read_compatibility()
