"""A read without a transaction: the token and the query in one message, and nothing of the caller left after it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.database.connection_pool import pool_of
from multi_tenant_db.database.destination import Destination
from multi_tenant_db.database.tenant_session import deferred_tenant_session, tenant_session, transaction
from multi_tenant_db.errors import AuthenticationRequired
from multi_tenant_db.identity.caller import Caller
from multi_tenant_db.identity.caller_role import CallerRole
from multi_tenant_db.models import Tenant
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from tests.support.engines import pool
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

WAIT_SECONDS = 1.5
NAMES = CompiledStatement(select(Tenant.name).order_by(Tenant.organization_id, Tenant.tenant_id), tuple)
NAMES_LATER = CompiledStatement(
    text(f"SELECT name FROM pg_sleep({WAIT_SECONDS}) CROSS JOIN LATERAL (SELECT name FROM tenancy.tenants) AS visible"),
    tuple,
)
NULLS = CompiledStatement(text("SELECT NULL UNION ALL SELECT NULL"), tuple)
CONTEXT = CompiledStatement(
    text("SELECT current_user, current_setting('app.current_tenant', true), pg_backend_pid()"), tuple
)
SERIALIZABLE = "default_transaction_isolation = serializable"


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[AsyncEngine]:
    """Open a pool of one connection, so that whatever a read leaves behind meets the next one."""
    async with pool(database, pool_size=1) as engine:
        yield engine


async def names(engine: AsyncEngine, token: str) -> list[str]:
    """Return the names that a caller reads in one message."""
    async with deferred_tenant_session(Destination(engine), token) as session:
        return [name for (name,) in await session.read(NAMES)]


async def context_left(engine: AsyncEngine) -> tuple[str, str | None, int]:
    """Return role, context and server process that the next transaction finds, and that it sees no tenant."""
    async with transaction(engine) as session:
        assert await session.fetch(NAMES) == []
        [(user, token, process_id)] = await session.fetch(CONTEXT)
        return user, token or None, process_id


async def messages(engine: AsyncEngine, token: str) -> list[str]:
    """Return the first words of what one read sends."""
    sent: list[str] = []
    async with pool_of(engine).slot():
        connection = await pool_of(engine).acquire()
        driver: Any = connection.driver_connection
        driver.add_query_logger(lambda query: sent.append(query.query.split()[0]))
        pool_of(engine).release(connection)
    await names(engine, token)
    await asyncio.sleep(0)  # the driver logs in the next turn of the loop
    return sent


async def test_a_read_is_one_message(engine: AsyncEngine, hsbc: Organization, platform_operator: Party) -> None:
    """A tenant's read sends one statement; a platform operator's is repeated in a transaction with its role."""
    await names(engine, hsbc.parent.token)
    assert await messages(engine, hsbc.parent.token) == ["WITH"]
    await names(engine, platform_operator.token)
    sent = await messages(engine, platform_operator.token)
    assert sent[-6:] == ["WITH", "BEGIN", "SELECT", "SET", "SELECT", "SAVEPOINT"]


async def test_each_caller_reads_what_is_its_own(
    engine: AsyncEngine, hsbc: Organization, barclays: Organization, platform_operator: Party
) -> None:
    """On one connection, by turns: parents, a subsidiary, a platform operator; and no caller reads nothing."""
    of = {party.token: [party.name] for party in (*hsbc.subsidiaries, *barclays.subsidiaries)}
    of |= {org.parent.token: [party.name for party in org.parties] for org in (hsbc, barclays)}
    for _ in range(2):
        for token, expected in of.items():
            assert sorted(await names(engine, token)) == sorted(expected)
            assert {party.name for party in (*hsbc.parties, *barclays.parties)} <= set(
                await names(engine, platform_operator.token)
            )
            assert (await context_left(engine))[:2] == ("tenancy_api", None)


async def test_the_session_knows_its_caller(engine: AsyncEngine, hsbc: Organization) -> None:
    """After a read the caller is known without a further message; a statement of SQLAlchemy's begins a transaction."""
    async with deferred_tenant_session(Destination(engine), hsbc.parent.token) as session:
        await session.read(NULLS)
        assert pool_of(engine).in_use() == 0
        head = hsbc.parent.tenant_id
        assert await session.sign_in() == Caller(CallerRole.PARENT, head, head)
        assert pool_of(engine).in_use() == 0
        assert len((await session.scalars(select(Tenant))).all()) == len(hsbc.parties)
        assert pool_of(engine).in_use() == 1
        assert len(await session.read(NAMES)) == len(hsbc.parties)


async def test_a_row_of_nulls_is_a_row(engine: AsyncEngine, hsbc: Organization) -> None:
    """A statement's rows are told from their absence, whatever they hold."""
    async with deferred_tenant_session(Destination(engine), hsbc.parent.token) as session:
        assert await session.read(NULLS) == [(None,), (None,)]


async def test_a_revoked_token_reads_nothing(engine: AsyncEngine, registry: Registry, hsbc: Organization) -> None:
    """The read after a revocation is refused, on the same connection, which serves the next caller."""
    token = await registry.issue_token(hsbc.parent.tenant_id, hsbc.parent.tenant_id)
    assert await names(engine, token)
    *_, process_id = await context_left(engine)
    await registry.revoke(token)
    for refused in (token, "", "mtdb_nonsense"):
        with pytest.raises(AuthenticationRequired):
            await names(engine, refused)
    assert await names(engine, hsbc.parent.token)
    assert (await context_left(engine)) == ("tenancy_api", None, process_id)


async def test_a_token_that_expires_during_a_read(engine: AsyncEngine, registry: Registry, hsbc: Organization) -> None:
    """The policies verify again: rows that are read after the token has expired are refused, not returned."""
    lifetime = timedelta(seconds=WAIT_SECONDS / 2)
    token = await registry.issue_token(hsbc.parent.tenant_id, hsbc.parent.tenant_id, lifetime=lifetime)
    with pytest.raises(AuthenticationRequired):
        async with deferred_tenant_session(Destination(engine), token) as session:
            pytest.fail(f"read {await session.read(NAMES_LATER)}")


async def test_a_failed_read_keeps_the_connection(engine: AsyncEngine, hsbc: Organization) -> None:
    """An error of the statement ends its transaction by itself; the same connection serves the next caller."""
    *_, process_id = await context_left(engine)
    with pytest.raises(DBAPIError, match="division by zero"):
        async with deferred_tenant_session(Destination(engine), hsbc.parent.token) as session:
            await session.read(CompiledStatement(text("SELECT 1 / (SELECT 0)"), tuple))
    assert (await context_left(engine)) == ("tenancy_api", None, process_id)


async def test_a_cancelled_read_leaves_nothing(engine: AsyncEngine, hsbc: Organization, barclays: Organization) -> None:
    """A client that goes away in the middle of a read leaves neither its context nor its rows to the next one."""

    async def read_slowly() -> None:
        async with deferred_tenant_session(Destination(engine), hsbc.parent.token) as session:
            await session.read(NAMES_LATER)

    for _ in range(3):
        reader = asyncio.create_task(read_slowly())
        await asyncio.sleep(0.1)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert sorted(await names(engine, barclays.parent.token)) == sorted(party.name for party in barclays.parties)
        assert (await context_left(engine))[:2] == ("tenancy_api", None)


async def test_another_default_isolation_level(database: TestDatabase, hsbc: Organization) -> None:
    """Where the server's default is not READ COMMITTED, the read is repeated in a transaction that names its level."""
    admin = await database.connect_as_admin()
    name = database.admin_url.database
    try:
        await admin.execute(f'ALTER DATABASE "{name}" SET {SERIALIZABLE}')
        async with pool(database, pool_size=1) as engine:
            assert len(await names(engine, hsbc.parent.token)) == len(hsbc.parties)
            assert "BEGIN" in await messages(engine, hsbc.parent.token)
    finally:
        await admin.execute(f'ALTER DATABASE "{name}" RESET default_transaction_isolation')
        await admin.close()


async def test_without_named_statements_a_read_is_a_transaction(database: TestDatabase, hsbc: Organization) -> None:
    """An unnamed statement takes two messages, which a pooler could give to two servers."""
    async with pool(database, pool_size=1, prepared_statements=False) as engine:
        assert len(await names(engine, hsbc.parent.token)) == len(hsbc.parties)
        sent = await messages(engine, hsbc.parent.token)
    assert sent[0] == "BEGIN"
    assert "WITH" not in sent


async def test_only_compiled_statements_need_no_reset(engine: AsyncEngine, hsbc: Organization) -> None:
    """A session in which other SQL ran is reset before its connection is used again; others have nothing to reset."""
    sent: list[str] = []
    async with tenant_session(engine, hsbc.parent.token) as (session, _):
        driver: Any = (await session.begin_once()).driver_connection
        driver.add_query_logger(lambda query: sent.append(query.query))
        assert await TenantRepository(session).find(hsbc.parent.tenant_id)
    await asyncio.sleep(0)
    assert sent
    assert not any("RESET ALL" in message for message in sent)
    async with tenant_session(engine, hsbc.parent.token) as (session, _):
        await session.execute(text("SELECT 1"))
    await asyncio.sleep(0)
    assert "RESET ALL" in sent[-1]
