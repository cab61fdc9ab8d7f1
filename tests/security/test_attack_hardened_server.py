"""Attacks that scripts/harden_self_managed.sql closes on a self-managed server, and the service on such a server."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from sqlalchemy import URL

from multi_tenant_db.main import create_app
from tests.support.attack import refused, residual
from tests.support.attempt import attempt
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

GROUP = "on a hardened server"
SCRIPT = Path("scripts/harden_self_managed.sql").read_text(encoding="utf-8")
CATALOGUE = (
    """
    SELECT oid::regprocedure::text AS name, proleakproof,
           has_function_privilege('tenancy_api', oid, 'EXECUTE'), has_function_privilege('pg_monitor', oid, 'EXECUTE')
    FROM pg_proc ORDER BY name
    """,
    """
    SELECT attrelid::regclass::text AS name, attname,
           has_column_privilege('tenancy_api', attrelid, attnum, 'SELECT'),
           has_column_privilege('pg_monitor', attrelid, attnum, 'SELECT')
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('v', 'r') AND relnamespace = 'pg_catalog'::regnamespace
    ORDER BY name, attname
    """,
    "SELECT evtname FROM pg_event_trigger",
)
CLOSED = {
    "the activity of others": "SELECT * FROM pg_stat_activity",
    "the locks of others": "SELECT * FROM pg_locks",
    "counts of inserted rows": "SELECT n_tup_ins FROM pg_stat_user_tables",
    "counts of inserted rows by function": "SELECT pg_stat_get_tuples_inserted('tenancy.tenants'::regclass)",
    "the columns' statistics": "SELECT count(*) FROM pg_stats",
    "the estimated number of rows": "SELECT reltuples FROM pg_class WHERE relname = 'tenants'",
    "the size of a table": "SELECT pg_total_relation_size('tenancy.tenants')",
    "the size of the database": "SELECT pg_database_size(current_database())",
    "moves of hidden rows": "SELECT currtid2('tenancy.tenants', '(0,1)')",
    "the growth of the log": "SELECT pg_current_wal_lsn()",
    "the count of transactions": "SELECT txid_current()",
    "the open transactions": "SELECT pg_current_snapshot()",
    "an advisory lock": "SELECT pg_advisory_lock(1)",
    "ending other sessions": "SELECT pg_terminate_backend(pg_backend_pid())",
    "cancelling other sessions": "SELECT pg_cancel_backend(pg_backend_pid())",
    "notes in large objects": "SELECT lo_from_bytea(0, 'loot')",
    "messages in the log": "SELECT pg_logical_emit_message(false, 'loot', 'loot')",
    "queries inside functions": "SELECT query_to_xml('SELECT 1', true, true, '')",
    "dropping the own rights": "DROP OWNED BY CURRENT_USER",
    "granting": "GRANT SELECT ON tenancy.tenants TO tenancy_operator",
    "an anonymous type": "CREATE TYPE pg_temp.mine AS ENUM ('x')",
    "refreshing statistics": "CREATE STATISTICS public.mine ON name, version FROM tenancy.tenants",
}


async def catalogue(admin: asyncpg.Connection) -> list[list[asyncpg.Record]]:
    """Return what the script may change, as far as it has an effect."""
    return [await admin.fetch(query) for query in CATALOGUE]


@pytest.fixture(scope="module")
async def hardened(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Make a database of its own and harden it, twice."""
    async with fresh_database(server_url) as database:
        admin = await database.connect_as_admin()
        await admin.execute(SCRIPT)
        once = await catalogue(admin)
        await admin.execute(SCRIPT)
        assert await catalogue(admin) == once
        yield database
        await admin.execute("SET mtdb.harden = 'off'")
        await admin.execute(SCRIPT)  # what it changes for the server outlives the database
        await admin.close()


@pytest.fixture(scope="module")
async def bank(hardened: TestDatabase) -> Organization:
    """Make a bank there."""
    operator = await hardened.connect_as_operator()
    bank = await Registry(operator).create_organization("Bank")
    await operator.close()
    return bank


@refused(GROUP)
@pytest.mark.parametrize("other", ["postgres", "template1"])
async def test_other_databases_of_the_server(hardened: TestDatabase, other: str) -> None:
    """To connect to a database where nothing of ours binds the role."""
    elsewhere = TestDatabase(hardened.admin_url.set(database=other))
    for connect in (elsewhere.connect_as_api, elsewhere.connect_as_operator):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
            await connect()


@refused(GROUP)
@pytest.mark.parametrize("what", CLOSED)
async def test_asking_for(hardened: TestDatabase, bank: Organization, what: str) -> None:
    """To count, measure, disturb or store by what PostgreSQL leaves to every role."""
    attacker = await hardened.connect_as_api()
    for as_platform in (False, True):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await attempt(attacker, bank.parent.token, CLOSED[what], as_platform=as_platform)
    await attacker.close()


@refused(GROUP)
async def test_a_condition_before_the_policy(hardened: TestDatabase, bank: Organization) -> None:
    """To have a cheap condition evaluated on a hidden row before the policy's."""
    attacker = await hardened.connect_as_api()
    settings = [f"SET LOCAL enable_{scan} = off" for scan in ("indexscan", "indexonlyscan", "bitmapscan")]
    for condition in ("name = ANY (ARRAY['x'])", "created_at < ANY ('{now}')", "version = ANY ('{1}')"):
        query = f"EXPLAIN SELECT FROM tenancy.tenants WHERE {condition}"
        plan = await attempt(attacker, bank.parent.token, *settings, query)
        filters = next(row[0] for row in plan if "Filter:" in row[0])
        assert filters.rindex("InitPlan") < filters.index(condition.split(maxsplit=1)[0])
    await attacker.close()


@residual(
    GROUP, "LISTEN and NOTIFY: sessions that an attacker has already can signal each other; no data of ours goes there"
)
async def test_signalling(hardened: TestDatabase, bank: Organization) -> None:
    """To be told by the database when others write."""
    heard: list[str] = []
    attacker, writer = await hardened.connect_as_api(), await hardened.connect_as_api()
    await attacker.add_listener("loot", lambda *message: heard.append(str(message[-1])))
    await attempt(writer, bank.parent.token, "UPDATE tenancy.tenants SET metadata = '{}'")
    await writer.execute("NOTIFY loot, 'mine'")
    await attacker.execute("SELECT 1")
    assert heard == ["mine"]
    await attacker.remove_listener("loot", lambda *_: None)
    await attacker.reset()
    await attacker.close()
    await writer.close()


async def test_the_service_works(hardened: TestDatabase, bank: Organization) -> None:
    """All six endpoints answer as ever, over a fresh pool, also after the pool has reset its sessions."""
    app = create_app(hardened.settings(pool_size=1))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service", headers=bank.parent.headers) as client,
    ):
        new = {"name": "Paris", "tenant_type": "subsidiary", "parent_tenant_id": str(bank.parent.tenant_id)}
        path = ""
        for _ in range(2):
            assert (await client.get("/health")).status_code == 200
            created = await client.post("/tenants", json=new, headers={"Idempotency-Key": "key"})
            assert created.status_code == 201
            path = f"/tenants/{created.json()['tenant_id']}"
            assert (await client.get(path)).json() == created.json()
            assert len((await client.get("/tenants")).json()["items"]) == len(bank.parties) + 1
        changed = await client.put(path, json={"name": "Lyon", "metadata": {"country": "FR"}})
        assert changed.status_code == 200
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404


async def test_monitoring_goes_on(hardened: TestDatabase) -> None:
    """A member of pg_monitor still reads activity, sizes and counts."""
    admin = await hardened.connect_as_admin()
    transaction = admin.transaction()
    await transaction.start()
    await admin.execute("SET LOCAL ROLE pg_monitor")
    assert await admin.fetchval("SELECT count(*) FROM pg_stat_activity") > 0
    assert await admin.fetchval("SELECT count(*) FROM pg_stat_all_tables WHERE n_live_tup >= 0") > 0
    assert await admin.fetchval("SELECT pg_database_size(current_database())") > 0
    await transaction.rollback()
    await admin.close()


async def test_everything_can_be_taken_back(server_url: URL) -> None:
    """With mtdb.harden = off the script restores the catalogue as it was."""
    async with fresh_database(server_url) as database:
        admin = await database.connect_as_admin()
        before = await catalogue(admin)
        await admin.execute(SCRIPT)
        assert await catalogue(admin) != before
        await admin.execute("SET mtdb.harden = off")
        await admin.execute(SCRIPT)
        assert await catalogue(admin) == before
        await admin.close()
