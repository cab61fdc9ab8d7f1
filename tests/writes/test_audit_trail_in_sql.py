"""The audit trail in SQL: no role adds, changes or removes an event, and no change to the table bypasses it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from sqlalchemy import URL

from multi_tenant_db.main import create_app
from tests.support.audit import count_events, events_of, events_seen_by, types_of
from tests.support.context import presenting
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.requests import create, new_subsidiary, replace
from tests.support.test_database import TestDatabase

ADD = """
    INSERT INTO tenancy.tenant_events (organization_id, tenant_id, event_type, new_values, database_role)
    VALUES (gen_random_uuid(), gen_random_uuid(), 'created', '{}', 'forged')
"""
FORGERIES = (
    ADD,
    "UPDATE tenancy.tenant_events SET token_label = 'another'",
    "UPDATE tenancy.tenant_events SET occurred_at = now() - interval '1 year'",
    "DELETE FROM tenancy.tenant_events",
    "TRUNCATE tenancy.tenant_events",
    "DROP TABLE tenancy.tenant_events",
    "ALTER TABLE tenancy.tenant_events DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE tenancy.tenants DISABLE TRIGGER tenants_record_event",
    "DROP TRIGGER tenants_record_event ON tenancy.tenants",
    "CREATE RULE none AS ON INSERT TO tenancy.tenant_events DO INSTEAD NOTHING",
    "SET session_replication_role = replica",
    "SELECT tenancy_private.record_row_event()",
    "SELECT nextval('tenancy.tenant_events')",
    "LOCK TABLE tenancy.tenant_events IN ACCESS EXCLUSIVE MODE",
    "MERGE INTO tenancy.tenant_events USING (VALUES (1)) AS one (n) ON true WHEN MATCHED THEN DELETE",
    "COPY tenancy.tenant_events FROM STDIN",
)
FORBIDDEN_TO_THE_OWNER = (
    "UPDATE tenancy.tenant_events SET token_label = 'another'",
    "DELETE FROM tenancy.tenant_events",
    "TRUNCATE tenancy.tenant_events",
    "SELECT FROM tenancy.tenant_events",
)
REFUSALS = (asyncpg.InsufficientPrivilegeError, asyncpg.WrongObjectTypeError, asyncpg.UndefinedTableError)

FAILING_COMMIT = (
    """
    CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.name = 'Fails at the end' THEN
            RAISE EXCEPTION 'the commit fails' USING ERRCODE = 'serialization_failure';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER fail_at_commit AFTER INSERT OR UPDATE ON tenancy.tenants
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.fail()
    """,
)


@asynccontextmanager
async def acting_as(database: TestDatabase, role: str, token: str) -> AsyncIterator[asyncpg.Connection]:
    """Open a transaction as the role, with a token in its context, and roll it back."""
    login = database.connect_as_operator if role == "tenancy_operator" else database.connect_as_api
    connection = await login()
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("SELECT set_config('app.current_tenant', $1, true)", token)
        if role == "tenancy_platform":
            await connection.execute("SET LOCAL ROLE tenancy_platform")
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


@pytest.mark.parametrize("role", ["tenancy_api", "tenancy_platform", "tenancy_operator"])
@pytest.mark.parametrize("statement", FORGERIES)
async def test_no_login_role_forges_an_event(
    database: TestDatabase, platform_operator: Party, role: str, statement: str
) -> None:
    """No role of the service or the command line adds, changes, removes or silences events, whatever its token."""
    async with acting_as(database, role, platform_operator.token) as connection:
        with pytest.raises(REFUSALS):
            await connection.execute(statement)


@pytest.mark.parametrize("statement", FORBIDDEN_TO_THE_OWNER)
async def test_the_owner_may_only_add(as_admin: asyncpg.Connection, hsbc: Organization, statement: str) -> None:
    """The owner, as which the trigger runs, may only insert events."""
    async with presenting(as_admin, hsbc.parent.token):
        await as_admin.execute("SET LOCAL ROLE tenancy_owner")
        assert await as_admin.execute(ADD) == "INSERT 0 1"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with as_admin.transaction():
                await as_admin.execute(statement)
        # Forged for the sake of the test only: it goes with the transaction.
        await as_admin.execute("RESET ROLE")
        await as_admin.execute("DELETE FROM tenancy.tenant_events WHERE database_role = 'forged'")


@pytest.mark.parametrize("role", ["tenancy_owner", "postgres"])
async def test_emptying_the_table_leaves_a_trace(as_admin: asyncpg.Connection, hsbc: Organization, role: str) -> None:
    """TRUNCATE is refused, since it bypasses row triggers; DELETE leaves its events."""
    async with as_admin.transaction():
        await as_admin.execute(f"SET LOCAL ROLE {role}")
        with pytest.raises(asyncpg.FeatureNotSupportedError, match="not truncated"):
            async with as_admin.transaction():
                await as_admin.execute("TRUNCATE tenancy.tenants CASCADE")
    assert await as_admin.fetchval(
        "SELECT count(*) FROM tenancy.tenants WHERE organization_id = $1", hsbc.parent.tenant_id
    )


async def test_a_change_past_the_service_is_recorded_with_the_database_role(
    as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A superuser's change has no token, and is recorded under the superuser's role."""
    child = hsbc.subsidiaries[0].tenant_id
    await as_admin.execute("UPDATE tenancy.tenants SET name = 'By hand' WHERE tenant_id = $1", child)
    await as_admin.execute("DELETE FROM tenancy.tenants WHERE tenant_id = $1", child)

    by_hand = (await events_of(as_admin, child))[1:]
    superuser = await as_admin.fetchval("SELECT session_user")
    assert [event["event_type"] for event in by_hand] == ["updated", "deleted"]
    for event in by_hand:
        assert event["database_role"] == superuser
        assert [event[column] for column in ("token_id", "token_label", "actor_tenant_id", "request_id")] == [None] * 4


async def test_switching_the_role_does_not_hide_the_login(as_admin: asyncpg.Connection, hsbc: Organization) -> None:
    """An event records the role that logged in, not the role that it switched to."""
    superuser = await as_admin.fetchval("SELECT session_user")
    async with presenting(as_admin, hsbc.parent.token):
        await as_admin.execute("SET LOCAL ROLE tenancy_api")
        await as_admin.execute("UPDATE tenancy.tenants SET name = $1 WHERE tenant_id = $2", "X", hsbc.parent.tenant_id)
    assert (await events_of(as_admin, hsbc.parent.tenant_id))[-1]["database_role"] == superuser


async def test_every_row_of_a_statement_is_recorded(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A statement that changes three tenants leaves three events; inserting many at once, as many."""
    async with presenting(as_api, hsbc.parent.token):
        await as_api.execute("UPDATE tenancy.tenants SET metadata = '{}'")
        added = await as_api.fetch(
            "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name)"
            " SELECT 'subsidiary', $1, 'Many ' || n FROM generate_series(1, 20) AS n RETURNING tenant_id",
            hsbc.parent.tenant_id,
        )
    for party in hsbc.parties:
        assert await types_of(as_admin, party.tenant_id) == ["created", "updated"]
    for row in added:
        assert await types_of(as_admin, row["tenant_id"]) == ["created"]


async def test_what_is_rolled_back_leaves_nothing(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A transaction or a savepoint that is rolled back takes its events with it, and only those."""
    child = hsbc.subsidiaries[0].tenant_id
    async with presenting(as_api, hsbc.parent.token):
        await as_api.execute("UPDATE tenancy.tenants SET name = 'Kept' WHERE tenant_id = $1", child)
        savepoint = as_api.transaction()
        await savepoint.start()
        await as_api.execute("DELETE FROM tenancy.tenants WHERE tenant_id = $1", child)
        await savepoint.rollback()
    events = await events_of(as_admin, child)
    assert [event["event_type"] for event in events] == ["created", "updated"]
    assert json.loads(events[-1]["new_values"])["name"] == "Kept"


async def test_a_failing_commit_leaves_neither_change_nor_event(server_url: URL) -> None:
    """If the COMMIT fails, the answer is an error, and neither the tenant nor an event is stored."""
    async with fresh_database(server_url) as database:
        as_admin, operator = await database.connect_as_admin(), await database.connect_as_operator()
        hsbc = await Registry(operator).create_organization()
        for statement in FAILING_COMMIT:
            await as_admin.execute(statement)
        app = create_app(database.settings())
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
                before = await count_events(as_admin)
                name = "Fails at the end"
                created = await create(client, hsbc.parent, new_subsidiary(hsbc.parent, name))
                replaced = await replace(client, hsbc.parent, hsbc.parent.tenant_id, name)
                assert (created.status_code, replaced.status_code) == (503, 503)
                assert await count_events(as_admin) == before
                assert await as_admin.fetchval("SELECT count(*) FROM tenancy.tenants WHERE name = $1", name) == 0
        await as_admin.close()
        await operator.close()


async def test_every_caller_sees_the_events_in_its_reach(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization, platform_operator: Party
) -> None:
    """A parent sees its organisation's events, a subsidiary its own, and no tenant those of another organisation."""
    for organization in (hsbc, barclays):
        tenants = {party.tenant_id for party in organization.parties}
        assert {e["tenant_id"] for e in await events_seen_by(as_api, organization.parent)} == tenants
        for party in organization.subsidiaries:
            assert {e["tenant_id"] for e in await events_seen_by(as_api, party)} == {party.tenant_id}
    assert await events_seen_by(as_api, None) == []
    assert await events_seen_by(as_api, None, as_platform=True) == []
    assert await events_seen_by(as_api, hsbc.parent, as_platform=True) == []
    assert await events_seen_by(as_api, platform_operator) == []


async def test_a_dead_token_reads_no_events(as_api: asyncpg.Connection, registry: Registry, hsbc: Organization) -> None:
    """A revoked or invented token is an error, not an empty trail."""
    await registry.revoke(hsbc.parent.token)
    for token in (hsbc.parent.token, "mtdb_invented"):
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            async with presenting(as_api, token):
                await as_api.fetch("SELECT FROM tenancy.tenant_events")
