"""Poisoning pooled sessions: what SQL injected into one request leaves behind, the next caller's request must not meet.

Through the service's own engine with a single connection, so that the next caller is sure to get the poisoned one.
"""

from collections.abc import AsyncIterator
from contextlib import nullcontext

import pytest
from sqlalchemy import CursorResult, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from multi_tenant_db.database.destination import Destination
from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.database.tenant_session import deferred_tenant_session, tenant_session
from multi_tenant_db.errors import DatabaseUnavailable
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from tests.support.attack import refused, residual, sees_nothing
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.test_database import TestDatabase

GROUP = "through time"
OUR_STATEMENTS = "SELECT name, statement FROM pg_prepared_statements WHERE statement LIKE :like AND NOT from_sql"


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[AsyncEngine]:
    """Make the service's pool, of one connection."""
    settings = database.settings(pool_size=1)
    engine = create_engine(service_url(settings), settings)
    yield engine
    await engine.dispose()


async def run(engine: AsyncEngine, party: Party, *statements: str) -> list[tuple[object, ...]]:
    """Run statements in one request of a party; return the last one's rows."""
    async with tenant_session(engine, party.token, "request") as (session, _):
        results = [await session.execute(text(statement)) for statement in statements]
        last = results[-1]
        return [tuple(row) for row in last] if isinstance(last, CursorResult) and last.returns_rows else []


async def backend(engine: AsyncEngine, party: Party) -> object:
    """Return which backend serves a request."""
    return (await run(engine, party, "SELECT pg_backend_pid()"))[0][0]


async def find(engine: AsyncEngine, party: Party) -> str | None:
    """Look a party's own tenant up, as `GET /tenants/{tenant_id}` does: in one message."""
    async with deferred_tenant_session(Destination(engine), party.token, "request") as session:
        tenant = await TenantRepository(session).find(party.tenant_id)
        return tenant.name if tenant else None


async def replace_statement(session: AsyncSession, like: str, parameters: str, body: str) -> None:
    """Put a statement of the attacker's under the name that the driver has given to one of ours."""
    name = (await session.execute(text(OUR_STATEMENTS), {"like": like})).one().name
    await session.execute(text(f'DEALLOCATE "{name}"'))
    await session.execute(text(f'PREPARE "{name}" {parameters} AS {body}'))


@sees_nothing(GROUP)
async def test_a_planted_statement_that_keeps_the_next_token(
    engine: AsyncEngine, hsbc: Organization, barclays: Organization
) -> None:
    """To replace the statement that signs in by one that also writes the next caller's token into the session."""
    async with tenant_session(engine, hsbc.parent.token, "request") as (session, _):
        await replace_statement(
            session,
            "%tenancy.sign_in%",
            "(text, text)",
            "SELECT tenant_id, organization_id, caller_role, set_config('app.loot', $1, false)"
            " FROM tenancy.sign_in($1, $2)",
        )
    assert await find(engine, barclays.parent) == barclays.parent.name
    assert await run(engine, hsbc.parent, "SELECT current_setting('app.loot', true)") in ([(None,)], [("",)])


@sees_nothing(GROUP)
async def test_a_planted_statement_that_signs_the_next_caller_in_as_the_attacker(
    engine: AsyncEngine, hsbc: Organization, barclays: Organization
) -> None:
    """To have the next caller work inside the attacker's organisation, and leave data there."""
    async with tenant_session(engine, hsbc.parent.token, "request") as (session, _):
        await replace_statement(
            session,
            "%tenancy.sign_in%",
            "(text, text)",
            f"SELECT tenant_id, organization_id, caller_role FROM tenancy.sign_in('{hsbc.parent.token}', $2)",
        )
    async with tenant_session(engine, barclays.parent.token, "request") as (session, caller):
        assert caller.tenant_id == barclays.parent.tenant_id
        assert await TenantRepository(session).find(hsbc.parent.tenant_id) is None


@sees_nothing(GROUP)
async def test_a_planted_read_that_signs_the_next_caller_in_as_the_attacker(
    engine: AsyncEngine, hsbc: Organization, barclays: Organization
) -> None:
    """To replace a read in one message by one that presents the attacker's token, or keeps the next caller's."""
    await find(engine, hsbc.parent)
    async with tenant_session(engine, hsbc.parent.token, "request") as (session, _):
        name, statement = (await session.execute(text(OUR_STATEMENTS), {"like": "WITH caller%"})).one()
        await session.execute(text(f'DEALLOCATE "{name}"'))
        planted = statement.replace("sign_in($2)", f"sign_in(set_config('app.loot', '{hsbc.parent.token}', false))")
        assert planted != statement
        await session.execute(text(f'PREPARE "{name}" (uuid, text) AS {planted}'.replace(":", r"\:")))
    assert await find(engine, barclays.parent) == barclays.parent.name
    assert await run(engine, barclays.parent, "SELECT current_setting('app.loot', true)") in ([(None,)], [("",)])


@sees_nothing(GROUP)
async def test_a_planted_statement_that_keeps_the_next_callers_rows(
    engine: AsyncEngine, hsbc: Organization, barclays: Organization
) -> None:
    """To replace a query by one that copies its rows into a variable of the session."""
    await find(engine, hsbc.parent)
    async with tenant_session(engine, hsbc.parent.token, "request") as (session, _):
        name, statement = (await session.execute(text(OUR_STATEMENTS), {"like": "WITH caller%"})).one()
        loot = "set_config('app.loot', (SELECT string_agg(name, ',') FROM tenancy.tenants), false)"
        planted = statement.replace("found.*", f"found.*, {loot}")
        assert planted != statement
        await session.execute(text(f'DEALLOCATE "{name}"'))
        await session.execute(text(f'PREPARE "{name}" (uuid, text) AS {planted}'.replace(":", r"\:")))
    assert await find(engine, barclays.parent) == barclays.parent.name
    assert await run(engine, hsbc.parent, "SELECT current_setting('app.loot', true)") in ([(None,)], [("",)])


@refused(GROUP)
async def test_a_session_with_a_planted_statement_is_closed(engine: AsyncEngine, hsbc: Organization) -> None:
    """To keep a statement in a session from one request to the next, under whatever name."""
    before = await backend(engine, hsbc.parent)
    assert await backend(engine, hsbc.parent) == before
    await run(engine, hsbc.parent, "PREPARE mine AS SELECT 1")
    assert await backend(engine, hsbc.parent) != before


@residual(GROUP, "one request on that connection gets 503, then the connection is replaced")
@pytest.mark.parametrize("statement", ["DEALLOCATE ALL", "DISCARD PLANS; DEALLOCATE ALL"])
async def test_taking_the_drivers_statements_away(
    engine: AsyncEngine, hsbc: Organization, barclays: Organization, statement: str
) -> None:
    """To break every later request on the connection by removing the statements that it relies on."""
    await find(engine, hsbc.parent)
    await run(engine, hsbc.parent, *statement.split("; "))
    with pytest.raises(DatabaseUnavailable):
        await find(engine, barclays.parent)
    for _ in range(2):
        assert await find(engine, barclays.parent) == barclays.parent.name


@sees_nothing(GROUP)
@pytest.mark.parametrize(
    "statement",
    [
        "SET app.current_tenant = '{token}'",
        "SELECT set_config('app.current_tenant', '{token}', false)",
        "SET ROLE tenancy_platform",
        "SET SESSION AUTHORIZATION tenancy_api",
        "SET row_security = off",
        "SET search_path = public, tenancy",
        "SET statement_timeout = 1",
        "SET default_transaction_read_only = on",
        "SET default_transaction_isolation = 'serializable'",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET plan_cache_mode = force_generic_plan",
        "SET debug_print_plan = on",
        "SET log_parameter_max_length_on_error = -1",
        "SET transaction_timeout = 0",
        "SET client_min_messages = debug5",
        "SET DateStyle = 'German'",
        "SET extra_float_digits = -15",
        "SET bytea_output = 'escape'",
        "SET client_encoding = 'LATIN1'",
    ],
)
async def test_a_variable_left_behind(
    engine: AsyncEngine, hsbc: Organization, barclays: Organization, statement: str
) -> None:
    """To have the next caller served under settings of the attacker's choice."""
    settings = "SELECT name, setting FROM pg_settings WHERE name <> 'transaction_isolation' ORDER BY name"
    before = await run(engine, barclays.parent, settings)
    pid = await backend(engine, hsbc.parent)
    await run(engine, hsbc.parent, statement.format(token=hsbc.parent.token))
    assert await find(engine, barclays.parent) == barclays.parent.name
    changed = set(await run(engine, barclays.parent, settings)) ^ set(before)
    assert {name for name, _ in changed} <= {"app.current_tenant", "app.request_id"}
    assert await backend(engine, barclays.parent) == pid


@sees_nothing(GROUP)
@pytest.mark.parametrize(
    ("statement", "trace"),
    [
        (
            "DECLARE loot CURSOR WITH HOLD FOR SELECT name FROM tenancy.tenants",
            "SELECT name FROM pg_cursors WHERE is_holdable",
        ),
        ("LISTEN loot", "SELECT pg_listening_channels()"),
        (
            "SELECT pg_advisory_lock(4711)",
            "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND pid = pg_backend_pid()",
        ),
    ],
    ids=["a cursor", "a channel", "a lock"],
)
async def test_a_resource_left_behind(
    engine: AsyncEngine, hsbc: Organization, barclays: Organization, statement: str, trace: str
) -> None:
    """To leave a cursor, a channel or a lock in the session, to be used from a later request."""
    pid = await backend(engine, hsbc.parent)
    await run(engine, hsbc.parent, statement)
    assert await run(engine, barclays.parent, trace) == []
    assert await backend(engine, barclays.parent) == pid


@sees_nothing(GROUP)
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK", "COMMIT AND CHAIN"])
async def test_ending_the_transaction_from_inside(
    engine: AsyncEngine, hsbc: Organization, barclays: Organization, end: str
) -> None:
    """To end the request's transaction early, so that the next caller's runs inside the wrong one."""
    outcome = nullcontext() if end == "COMMIT AND CHAIN" else pytest.raises(DBAPIError, match="SAVEPOINT can only")
    with outcome:
        assert await run(engine, hsbc.parent, end, "SELECT name FROM tenancy.tenants") == []
    assert await find(engine, barclays.parent) == barclays.parent.name
    assert await find(engine, hsbc.parent) == hsbc.parent.name
