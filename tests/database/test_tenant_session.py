"""The caller's transaction: signed in by its first statement, committed once, and forgotten with its context."""

# ruff: noqa: PT012 - what raises is the transaction, so the block is the transaction

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, ResourceClosedError
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.database.connection_pool import pool_of
from multi_tenant_db.database.destination import Destination
from multi_tenant_db.database.tenant_session import deferred_tenant_session, tenant_session, transaction
from multi_tenant_db.errors import AuthenticationRequired
from multi_tenant_db.identity.access_token import hash_access_token
from multi_tenant_db.identity.caller import Caller
from multi_tenant_db.identity.caller_role import CallerRole
from multi_tenant_db.models import Tenant
from tests.support.engines import pool
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

CONTEXT = text("SELECT current_user, current_setting('app.current_tenant', true), pg_backend_pid()")
RENAME = update(Tenant).values(metadata_={"renamed": True}).execution_options(synchronize_session=False)


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[AsyncEngine]:
    """Open a pool of one connection, so that whatever a transaction leaves behind meets the next one."""
    async with pool(database, pool_size=1) as engine:
        yield engine


async def renamed(as_admin: asyncpg.Connection, organization: Organization) -> int:
    """Count the organisation's tenants that carry the test's mark."""
    statement = "SELECT count(*) FROM tenancy.tenants WHERE organization_id = $1 AND metadata ? 'renamed'"
    return int(await as_admin.fetchval(statement, organization.parent.tenant_id))


async def context_left(engine: AsyncEngine) -> tuple[str, str | None, int]:
    """Return role, context and server process that the next transaction finds."""
    async with transaction(engine) as session:
        user, token, process_id = (await session.execute(CONTEXT)).one()
        assert (await session.scalars(select(Tenant.tenant_id))).all() == []
        return user, token, process_id


async def test_the_caller_is_who_the_database_says(
    engine: AsyncEngine, hsbc: Organization, platform_operator: Party
) -> None:
    """Parent, subsidiary and platform operator are told apart by their tokens alone."""
    head = hsbc.parent.tenant_id
    expected = {
        hsbc.parent.token: Caller(CallerRole.PARENT, head, head),
        hsbc.subsidiaries[0].token: Caller(CallerRole.SUBSIDIARY, hsbc.subsidiaries[0].tenant_id, head),
        platform_operator.token: Caller(CallerRole.PLATFORM_OPERATOR, None, None),
    }
    for token, caller in expected.items():
        async with tenant_session(engine, token) as (_session, found):
            assert found == caller


@pytest.mark.parametrize("token", ["", "mtdb_nonsense", "x" * 10_000, "ü", "' OR true --"])
async def test_no_live_token_is_refused(engine: AsyncEngine, token: str) -> None:
    """Anything but a live token raises AuthenticationRequired before the caller's first statement."""
    with pytest.raises(AuthenticationRequired):
        async with tenant_session(engine, token):
            pytest.fail("the block must not be entered")


async def test_success_commits(engine: AsyncEngine, as_admin: asyncpg.Connection, hsbc: Organization) -> None:
    """Changes are committed when the block ends, not earlier."""
    async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
        await session.execute(RENAME)
        assert await renamed(as_admin, hsbc) == 0

    assert await renamed(as_admin, hsbc) == len(hsbc.parties)


async def test_an_error_rolls_back(engine: AsyncEngine, as_admin: asyncpg.Connection, hsbc: Organization) -> None:
    """Any exception undoes everything and reaches the caller as it was raised."""
    defect = KeyError("a defect")
    with pytest.raises(KeyError) as raised:
        async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
            await session.execute(RENAME)
            raise defect

    assert raised.value is defect
    assert await renamed(as_admin, hsbc) == 0


async def test_a_commit_that_would_roll_back_is_a_failure(
    engine: AsyncEngine, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A block that catches a statement's error and goes on does not end as if it had stored something."""
    with pytest.raises(DBAPIError, match="current transaction is aborted"):
        async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
            await session.execute(RENAME)
            with suppress(DBAPIError):
                await session.execute(text("SELECT 1 / 0"))

    assert await renamed(as_admin, hsbc) == 0
    assert (await context_left(engine))[:2] in {("tenancy_api", None), ("tenancy_api", "")}


async def test_a_transaction_that_was_ended_by_hand_is_a_failure(
    engine: AsyncEngine, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A block that ran ROLLBACK, or asked SQLAlchemy to, does not end as if it had stored something."""
    with pytest.raises(DBAPIError, match="SAVEPOINT can only be used in transaction blocks"):
        async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
            await session.execute(RENAME)
            await session.execute(text("ROLLBACK"))
    with pytest.raises(RuntimeError, match="raise an exception instead"):
        async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
            await session.execute(RENAME)
            await session.rollback()

    assert await renamed(as_admin, hsbc) == 0
    assert (await context_left(engine))[:2] in {("tenancy_api", None), ("tenancy_api", "")}


async def test_a_session_ends_with_its_block(engine: AsyncEngine, hsbc: Organization, barclays: Organization) -> None:
    """A session kept after its block cannot run statements in the next caller's transaction."""
    names = text("SELECT name FROM tenancy.tenants")
    compiled = CompiledStatement(names, tuple)
    async with tenant_session(engine, hsbc.parent.token) as (kept, _caller):
        assert (await kept.scalars(names)).all()
        connection = await kept.connection()
    async with transaction(engine) as another:
        assert await another.scalar(text("SELECT true"))

    async with tenant_session(engine, barclays.parent.token) as (session, _caller):
        assert (await session.scalars(names)).all()
        for ask in (lambda: kept.scalars(names), lambda: kept.fetch(compiled), lambda: another.scalars(names)):
            with pytest.raises(RuntimeError, match="has ended"):
                await ask()
        with pytest.raises(ResourceClosedError):
            await connection.execute(names)


async def test_a_deferred_session_takes_a_connection_for_its_first_statement(
    engine: AsyncEngine, hsbc: Organization
) -> None:
    """Before sign-in no connection is taken from the pool; what raises before it reaches no database."""
    async with deferred_tenant_session(Destination(engine), hsbc.parent.token) as session:
        assert session.caller is None
        assert (await context_left(engine))[0] == "tenancy_api"
        assert (await session.scalars(select(Tenant.tenant_id))).all()
        assert session.caller == await session.sign_in()
    with pytest.raises(KeyError):
        async with deferred_tenant_session(Destination(engine), "no token at all"):
            raise KeyError


async def test_a_deferred_session_that_asked_nothing_is_verified_at_its_end(engine: AsyncEngine) -> None:
    """A block without a statement fails for a caller without a valid token."""
    with pytest.raises(AuthenticationRequired):
        async with deferred_tenant_session(Destination(engine), "no token at all"):
            pass


async def test_a_transaction_has_no_caller(engine: AsyncEngine) -> None:
    """Asking an operator's transaction for its caller is a programming error."""
    async with transaction(engine) as session:
        with pytest.raises(TypeError, match="no caller"):
            await session.sign_in()


async def test_cancellation_rolls_back(engine: AsyncEngine, as_admin: asyncpg.Connection, hsbc: Organization) -> None:
    """A request that is cancelled amid a statement stores nothing and leaves no context."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit, tenant_session(engine, hsbc.parent.token) as (session, _caller):
            await session.execute(RENAME)
            limit.reschedule(asyncio.get_running_loop().time())
            await session.execute(text("SELECT pg_sleep(30)"))

    assert await renamed(as_admin, hsbc) == 0
    assert (await context_left(engine))[:2] in {("tenancy_api", None), ("tenancy_api", "")}


async def test_a_rollback_that_is_cut_off_gives_the_connection_up(
    engine: AsyncEngine, hsbc: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the process ends in the middle of a rollback, the connection is closed and not left to the collector."""
    monkeypatch.setattr("multi_tenant_db.database.tenant_session.ROLLBACK", "SELECT pg_sleep(60); ROLLBACK")
    loop = asyncio.get_running_loop()

    def cut_off() -> None:
        (rollback,) = [task for task in asyncio.all_tasks() if "_roll_back" in str(task.get_coro())]
        rollback.cancel()

    with pytest.raises(asyncio.CancelledError):
        async with tenant_session(engine, hsbc.parent.token):
            loop.call_later(0.2, cut_off)
            raise LookupError
    assert pool_of(engine).in_use() == 0


async def test_a_token_revoked_in_the_middle_ends_the_transaction(
    engine: AsyncEngine, registry: Registry, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """After a revocation the next statement raises AuthenticationRequired, and the transaction is rolled back."""
    with pytest.raises(AuthenticationRequired):
        async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
            await session.execute(RENAME)
            await registry.revoke(hsbc.parent.token)
            await session.scalars(select(Tenant.tenant_id))
            pytest.fail("a revoked token must not read on")

    assert await renamed(as_admin, hsbc) == 0


async def test_a_token_expired_in_the_middle_ends_the_transaction(
    engine: AsyncEngine, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A token that expires during the transaction, after its beginning, is refused at the next statement."""
    expire = "UPDATE tenancy_private.access_tokens SET expires_at = clock_timestamp() WHERE token_hash = $1"
    with pytest.raises(AuthenticationRequired):
        async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
            assert (await session.scalars(select(Tenant.tenant_id))).all()
            await as_admin.execute(expire, hash_access_token(hsbc.parent.token))
            await session.scalars(select(Tenant.tenant_id))
            pytest.fail("an expired token must not read on")


async def test_a_platform_operator_revoked_in_the_middle_stops_too(
    engine: AsyncEngine, registry: Registry, platform_operator: Party
) -> None:
    """The role switch does not outlive the token."""
    with pytest.raises(AuthenticationRequired):
        async with tenant_session(engine, platform_operator.token) as (session, _caller):
            await registry.revoke(platform_operator.token)
            await session.execute(select(Tenant.tenant_id).limit(1))
            pytest.fail("a revoked operator must not read on")


@pytest.mark.parametrize("ending", ["commit", "rollback"])
@pytest.mark.parametrize("who", ["parent", "platform operator"])
async def test_context_and_role_end_with_the_transaction(
    engine: AsyncEngine, hsbc: Organization, platform_operator: Party, who: str, ending: str
) -> None:
    """The next transaction on the same connection has no caller and runs as tenancy_api, however the last one ended."""
    token = hsbc.parent.token if who == "parent" else platform_operator.token
    role = "tenancy_api" if who == "parent" else "tenancy_platform"
    contexts = []
    with suppress(KeyError):
        async with tenant_session(engine, token) as (session, _caller):
            contexts.append(tuple((await session.execute(CONTEXT)).one()))
            if ending == "rollback":
                raise KeyError

    process_id = contexts[0][2]
    assert contexts == [(role, token, process_id)]
    assert await context_left(engine) == ("tenancy_api", "", process_id)


async def test_the_role_ends_without_the_pools_help(engine: AsyncEngine, platform_operator: Party) -> None:
    """A platform operator's role lasts for one transaction: it ends at COMMIT, before the pool resets the session."""
    with pytest.raises(DBAPIError, match="SAVEPOINT can only be used in transaction blocks"):
        async with tenant_session(engine, platform_operator.token) as (session, _caller):
            assert (await session.execute(text("SELECT current_user"))).scalar_one() == "tenancy_platform"
            await session.execute(text("COMMIT"))
            assert (await session.execute(text("SELECT current_user"))).scalar_one() == "tenancy_api"


async def test_a_missing_privilege_is_not_an_invalid_token(engine: AsyncEngine, hsbc: Organization) -> None:
    """A missing privilege is a defect of the service, not an invalid token."""
    with pytest.raises(DBAPIError, match="permission denied"):
        async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
            await session.execute(text("TRUNCATE tenancy.tenants"))


async def test_a_token_is_never_text_of_a_statement(engine: AsyncEngine, as_admin: asyncpg.Connection) -> None:
    """A refused token appears in no exception message and in no view of other sessions' activity."""
    token = f"mtdb_{uuid4().hex}"
    with pytest.raises(AuthenticationRequired) as refusal:
        async with tenant_session(engine, token):
            pytest.fail("the block must not be entered")

    assert token not in str(refusal.value)
    assert token not in str(refusal.value.__cause__)
    activity = await as_admin.fetch("SELECT query, state FROM pg_stat_activity WHERE usename = 'tenancy_api'")
    assert activity
    assert {(row["query"], row["state"]) for row in activity} == {("", "disabled")}
