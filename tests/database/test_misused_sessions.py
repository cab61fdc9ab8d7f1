"""What an endpoint of an adopter may do wrong with its session: it fails by itself, and harms no other request."""

# ruff: noqa: PT012 - what raises is the transaction, so the block is the transaction

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.database.connection_pool import pool_of
from multi_tenant_db.database.destination import Destination
from multi_tenant_db.database.session import Session
from multi_tenant_db.database.tenant_session import deferred_tenant_session, tenant_session
from multi_tenant_db.errors import AuthenticationRequired
from multi_tenant_db.models import Tenant
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from tests.support.engines import pool
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

NAMES = CompiledStatement(select(Tenant.name), tuple)
FIND = "SELECT name FROM pg_prepared_statements WHERE statement LIKE 'WITH caller%' AND NOT from_sql"
POISON = {
    "custom": ["SET plan_cache_mode = force_custom_plan", "SET cpu_tuple_cost = 1e6"],
    "generic": [
        "SET plan_cache_mode = force_generic_plan",
        *(f"SET {cost} = 0" for cost in ("cpu_tuple_cost", "seq_page_cost", "cpu_operator_cost")),
        *(f"SET enable_{scan} = off" for scan in ("indexscan", "bitmapscan", "indexonlyscan")),
    ],
}


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[AsyncEngine]:
    """Open a pool of one connection."""
    async with pool(database, pool_size=1) as engine:
        yield engine


async def begin(session: Session) -> None:
    """Begin as SQLAlchemy's tutorials do, and roll back."""
    async with session.begin():
        await rename(session)
        raise KeyError


async def begin_synchronously(session: Session) -> None:
    """The same, in SQLAlchemy's synchronous session."""
    await rename(session)
    await session.run_sync(lambda synchronous: synchronous.begin())


async def roll_back_synchronously(session: Session) -> None:
    """Roll back past the session's own method."""
    await rename(session)
    await session.run_sync(lambda synchronous: synchronous.rollback())


async def rename(session: Session) -> None:
    """Change every tenant within reach."""
    changed = update(Tenant).values(metadata_={"misused": True}).execution_options(synchronize_session=False)
    await session.execute(changed)


@pytest.mark.parametrize("misuse", [begin, begin_synchronously, roll_back_synchronously])
async def test_a_rollback_that_does_nothing_is_refused(
    engine: AsyncEngine, hsbc: Organization, misuse: Callable[[Session], Awaitable[None]]
) -> None:
    """SQLAlchemy's begin and rollback would not reach the transaction: they raise, and nothing is stored."""
    with pytest.raises(RuntimeError, match=r"begin_nested|raise an exception instead"):
        async with tenant_session(engine, hsbc.parent.token) as (session, _):
            await misuse(session)
    async with deferred_tenant_session(Destination(engine), hsbc.parent.token) as session:
        tenant = await TenantRepository(session).find(hsbc.parent.tenant_id)
        assert tenant is not None
        assert tenant.metadata_ == {}


async def test_a_savepoint_rolls_back_its_part(engine: AsyncEngine, hsbc: Organization) -> None:
    """`begin_nested` works: what failed in it is undone, and the rest of the transaction commits."""
    async with tenant_session(engine, hsbc.parent.token) as (session, _):
        with suppress(KeyError):
            async with session.begin_nested():
                await rename(session)
                raise KeyError
        assert (await session.scalars(select(Tenant.metadata_).distinct())).all() == [{}]


async def test_a_stream_is_refused(engine: AsyncEngine, hsbc: Organization) -> None:
    """Rows that are fetched after the block would be fetched in another caller's transaction."""
    async with tenant_session(engine, hsbc.parent.token) as (session, _):
        for stream in (session.stream, session.stream_scalars):
            with pytest.raises(RuntimeError, match="outlives the session"):
                await stream(select(Tenant))


async def test_a_refused_read_cannot_be_ignored(engine: AsyncEngine, registry: Registry, hsbc: Organization) -> None:
    """A block that catches the refusal of a token, revoked since its first read, does not end as if it were valid."""
    token = await registry.issue_token(hsbc.parent.tenant_id, hsbc.parent.tenant_id)
    with pytest.raises(AuthenticationRequired):
        async with deferred_tenant_session(Destination(engine), token) as session:
            assert await session.read(NAMES)
            await registry.revoke(token)
            with suppress(DBAPIError):
                await session.read(NAMES)


async def test_an_ignored_sign_in_holds_no_connection(engine: AsyncEngine) -> None:
    """Repeating a statement after a failed sign-in takes one slot at a time: the refusal is 401, not 503."""
    with pytest.raises(AuthenticationRequired):
        async with deferred_tenant_session(Destination(engine), "mtdb_invalid") as session:
            for _ in range(2):
                with suppress(DBAPIError):
                    await session.fetch(NAMES)
                assert pool_of(engine).in_use() == 0


@pytest.mark.parametrize("level", ["SERIALIZABLE", "READ COMMITTED"])
async def test_an_isolation_level_ends_with_its_session(
    engine: AsyncEngine, hsbc: Organization, barclays: Organization, level: str
) -> None:
    """A connection on which SQLAlchemy has set an isolation level serves no other caller."""
    with suppress(DBAPIError, AuthenticationRequired):
        async with deferred_tenant_session(Destination(engine), hsbc.parent.token) as session:
            await session.connection(execution_options={"isolation_level": level})
    for _ in range(2):
        async with tenant_session(engine, barclays.parent.token) as (session, _):
            assert len((await session.scalars(select(Tenant))).all()) == len(barclays.parties)


async def test_a_connection_of_a_disposed_pool_is_closed(engine: AsyncEngine, hsbc: Organization) -> None:
    """A request during dispose() keeps its connection to its end, and no longer."""
    async with tenant_session(engine, hsbc.parent.token) as (session, _):
        connection = await session.begin_once()
        driver = connection.driver_connection
        await engine.dispose()
        assert await session.fetch(NAMES)
    assert driver is not None
    assert driver.is_closed()


async def test_a_plan_made_under_hostile_costs_is_discarded(engine: AsyncEngine, hsbc: Organization) -> None:
    """SQL of one request cannot have the driver's statements keep a slow plan for the next caller."""
    ours = hsbc.parent
    async with deferred_tenant_session(Destination(engine), ours.token) as session:
        await TenantRepository(session).find(ours.tenant_id)
    async with tenant_session(engine, ours.token) as (session, _):
        name = await session.scalar(text(FIND))
        execute = text(f"EXECUTE \"{name}\"('{ours.tenant_id}', '{ours.token}')")
        await session.execute(text("DISCARD PLANS"))  # the good one
        for kind, times in (("custom", 6), ("generic", 1)):
            for statement in POISON[kind]:
                await session.execute(text(statement))
            for _ in range(times):
                await session.execute(execute)
    async with tenant_session(engine, ours.token) as (session, _):
        assert await session.scalar(text(FIND)) == name
        plan = (await session.scalars(text(f"EXPLAIN {execute.text}"))).all()
    assert not any("Seq Scan on tenants" in line for line in plan), plan
