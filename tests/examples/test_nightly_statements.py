"""A nightly job for each organisation, run by real workers, with a token of its own that lives minutes."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import URL

from examples.nightly_statements.nightly_statements import LABEL, TOKEN_LIFETIME, NightlyStatements
from examples.nightly_statements.run_now import begin_the_night
from multi_tenant_db.errors import TenantNotFound
from multi_tenant_db.identity.access_token import TOKEN_PREFIX
from multi_tenant_db.jobs.job_sessions import JobSessions
from multi_tenant_db.testing.fixtures import AssertIsolated
from tests.examples.nightly_world import NightlyWorld, expected, nightly_world
from tests.reliability.support.until import until
from tests.support.mtdb import settings_for
from tests.support.test_database import API_PASSWORD, TestDatabase

NOW = datetime.now(UTC)
YESTERDAY = NOW.date() - timedelta(days=1)
TOKENS = f"""
    SELECT expires_at - created_at AS lifetime, revoked_at IS NULL AS is_left, role
    FROM tenancy_private.access_tokens
    WHERE label = '{LABEL}'
"""
EVENTS = """
    SELECT organization_id, actor_tenant_id, token_label, database_role, request_id
    FROM tenancy.tenant_events
    WHERE table_name = 'statements'
"""
PATIENT = """ALTER ROLE tenancy_api IN DATABASE "{database}" SET lock_timeout = '60s'"""
"""On a busy machine the worker may wait longer than by default until it is killed."""
WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'tenancy.statements'::regclass AND NOT granted"
QUEUE_TABLES = "SELECT oid::regclass::text FROM pg_class WHERE relname LIKE 'procrastinate%' AND relkind = 'r'"


@pytest.fixture
async def world(server_url: URL, tmp_path: Path) -> AsyncIterator[NightlyWorld]:
    """Give two servers, a queue and no worker."""
    async with nightly_world(server_url, tmp_path) as world:
        yield world


@pytest.fixture
def isolation_database(world: NightlyWorld) -> TestDatabase:
    """Use its first database for `assert_isolated`, too."""
    return world.databases[0]


async def start_the_night(world: NightlyWorld) -> None:
    """Defer the task that begins the night."""
    async with world.queue() as queue:
        await begin_the_night(queue, NOW)


async def texts_of_the_queue(world: NightlyWorld) -> str:
    """Return all rows of the queue's tables."""
    admin = await TestDatabase(world.databases[0].admin_url.set(database=world.queue_url.database)).connect_as_admin()
    tables = [row[0] for row in await admin.fetch(QUEUE_TABLES)]
    rows = [row[0] for table in tables for row in await admin.fetch(f"SELECT t::text FROM {table} AS t")]
    await admin.close()
    assert len(tables) >= 3
    return "\n".join(rows)


async def test_each_organisation_gets_its_statements(world: NightlyWorld) -> None:
    """Each organisation's job writes its statements on its server; every token is revoked, and none was stored."""
    world.start_worker()
    await start_the_night(world)
    await world.until_written()
    await world.until_done()

    for number, organization in enumerate(world.organizations):
        statements = await world.statements(number)
        assert [tuple(row)[:3] for row in statements] == expected(organization, YESTERDAY)
        parent = organization.parent.tenant_id
        for event in await world.fetch(number, EVENTS):
            assert (event["organization_id"], event["actor_tenant_id"]) == (parent, parent)
            assert (event["token_label"], event["database_role"]) == (LABEL, "tenancy_api")
            assert event["request_id"].startswith("nightly-statements-")
        tokens = await world.fetch(number, TOKENS)
        assert {token["role"] for token in tokens} == {"tenant", "platform_operator"}
        assert not any(token["is_left"] for token in tokens)
    stored = await texts_of_the_queue(world)
    assert str(world.organizations[0].parent.tenant_id) in stored
    assert TOKEN_PREFIX not in stored + world.log.read_text()


@pytest.mark.exhaustive
async def test_a_killed_worker_writes_nothing_twice(world: NightlyWorld) -> None:
    """A worker killed in mid-job is replaced: each statement exists once, and the token it left dies in minutes."""
    admin = await world.databases[0].connect_as_admin()
    await admin.execute(PATIENT.format(database=world.databases[0].admin_url.database))
    block = admin.transaction()
    await block.start()
    await admin.execute("LOCK TABLE tenancy.statements IN SHARE MODE")
    killed = world.start_worker()
    await start_the_night(world)

    async def waits_for_the_lock() -> bool:
        return bool((await world.fetch(0, WAITING))[0][0])

    await until(waits_for_the_lock, "the worker was in mid-job", seconds=30)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    await block.rollback()
    await admin.close()
    assert await world.statements(0) == []

    world.start_worker()
    await asyncio.sleep(1.2)  # four heartbeats
    async with world.queue() as queue:
        await queue.configure_task("repeat_stalled").defer_async(timestamp=0)
    await world.until_written()
    await world.until_done()

    assert [tuple(row)[:3] for row in await world.statements(0)] == expected(world.organizations[0], YESTERDAY)
    tokens = await world.fetch(0, TOKENS)
    assert [token["role"] for token in tokens if token["is_left"]] == ["tenant"]
    assert {token["lifetime"] for token in tokens} == {TOKEN_LIFETIME}


async def test_an_organisation_that_moved_is_found(world: NightlyWorld) -> None:
    """A job that names another server writes on the organisation's own; one of a deleted organisation says so."""
    moved = world.organizations[1].parent.tenant_id
    further = settings_for(world.databases[1])["MTDB_DATABASE_URL"]
    async with JobSessions(world.databases[0].settings(servers={"b": further})) as sessions:
        statements = NightlyStatements(sessions)
        assert await statements.write("default", moved, YESTERDAY, "job 1") == 3
        assert await statements.write("default", moved, YESTERDAY, "job 2") == 0
        with pytest.raises(TenantNotFound):
            await statements.write("default", uuid4(), YESTERDAY, "job 3")
    assert [tuple(row)[:3] for row in await world.statements(1)] == expected(world.organizations[1], YESTERDAY)


async def test_the_service_does_not_reach_the_queue(world: NightlyWorld) -> None:
    """The service's role cannot connect to the queue's database, nor the queue's role to the service's."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await asyncpg.connect(
            world.queue_url.set(
                drivername="postgresql", username="tenancy_api", password=API_PASSWORD
            ).render_as_string(hide_password=False)
        )
    at_service = world.queue_url.set(drivername="postgresql", database=world.databases[0].admin_url.database)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await asyncpg.connect(at_service.render_as_string(hide_password=False))


async def test_statements_are_isolated(assert_isolated: AssertIsolated) -> None:
    """Every verb, tried as every caller on the statements, stays within the caller's reach."""
    await assert_isolated("tenancy.statements", lambda _tenant: {"day": "2026-01-31", "changes": 3})
