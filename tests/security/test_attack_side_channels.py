"""Side channels: learning that a hidden row exists, or its content, without reading it."""

import asyncio

import asyncpg
import pytest

from tests.support.attack import refused, residual, sees_nothing
from tests.support.attempt import attempt, attempt_quietly
from tests.support.context import presenting
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

GROUP = "side channels"
INSERT = "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name) VALUES ('subsidiary', '{}', '{}')"
RENAME = "UPDATE tenancy.tenants SET name = '{}' WHERE tenant_id = '{}' RETURNING tenant_id"


@sees_nothing(GROUP)
async def test_a_name_that_a_stranger_uses(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """To learn from a unique constraint that another bank has a customer of this name."""
    for name in (barclays.subsidiaries[0].name, barclays.parent.name, "An unused name"):
        assert await attempt_quietly(as_api, hsbc.parent.token, INSERT.format(hsbc.parent.tenant_id, name)) == []
        assert await attempt_quietly(as_api, hsbc.parent.token, RENAME.format(name, hsbc.parent.tenant_id))


@residual(
    GROUP, "a subsidiary that may rename itself learns whether its own organisation has this very name; no other's"
)
async def test_a_name_that_a_sibling_uses(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """To learn, as a subsidiary, its siblings' names from the unique constraint."""
    myself, sibling = hsbc.subsidiaries
    with pytest.raises(asyncpg.UniqueViolationError) as conflict:
        await attempt(as_api, myself.token, RENAME.format(sibling.name, myself.tenant_id))
    assert conflict.value.detail is None
    assert await attempt_quietly(as_api, myself.token, RENAME.format(barclays.parent.name, myself.tenant_id))


@refused(GROUP)
async def test_a_parent_that_exists(as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization) -> None:
    """To learn from a foreign key whether a hidden id exists."""
    errors = set()
    for parent in (
        barclays.parent.tenant_id,
        barclays.subsidiaries[0].tenant_id,
        "00000000-0000-7000-8000-000000000000",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError) as refusal:
            await attempt(as_api, hsbc.parent.token, INSERT.format(parent, "mine"))
        errors.add((refusal.value.message, refusal.value.detail, refusal.value.sqlstate))
    assert len(errors) == 1


@sees_nothing(GROUP)
@pytest.mark.parametrize(
    "condition",
    [
        "1 / (length(name) - length(name)) = 1",
        "name::integer = 1",
        "(metadata ->> 'none')::integer + name::integer = 1",
        "CASE WHEN name LIKE '%' THEN 1 / (version - version) END = 1",
        "pg_notify('loot', name) IS NULL",
        "set_config('app.loot', name, false) <> ''",
        "query_to_xml(format('SELECT %L::integer', name), true, true, '') IS NOT NULL",
        "to_date(name, 'YYYY') IS NOT NULL AND name::date IS NOT NULL",
        "name ~ ('(' || name)",
    ],
    ids=lambda condition: condition[:30],
)
async def test_a_condition_that_fails_on_a_row(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization, condition: str
) -> None:
    """To have an expression fail on, or carry away, rows before the policy hides them."""
    for token, as_platform in ((None, False), (None, True), (hsbc.parent.token, True)):
        for plan in ("", "SET LOCAL enable_seqscan = off", "SET LOCAL cpu_operator_cost = 0"):
            statements = [plan] if plan else []
            query = f"SELECT tenant_id FROM tenancy.tenants WHERE {condition}"
            assert await attempt(as_api, token, *statements, query, as_platform=as_platform) == []
    assert not await as_api.fetchval("SELECT current_setting('app.loot', true)")
    assert barclays.parties


@sees_nothing(GROUP)
@pytest.mark.parametrize("lock", ["FOR UPDATE", "FOR UPDATE NOWAIT", "FOR UPDATE SKIP LOCKED", "FOR KEY SHARE"])
async def test_locking_hidden_rows(
    as_api: asyncpg.Connection, database: TestDatabase, hsbc: Organization, barclays: Organization, lock: str
) -> None:
    """To lock hidden rows, or to see which of them another session has locked."""
    victim = await database.connect_as_api()
    async with presenting(victim, barclays.parent.token):
        await victim.execute("SELECT FROM tenancy.tenants FOR UPDATE")
        rows = await attempt(as_api, hsbc.parent.token, f"SELECT tenant_id FROM tenancy.tenants {lock}")
    assert {row["tenant_id"] for row in rows} == {party.tenant_id for party in hsbc.parties}
    async with presenting(as_api, hsbc.parent.token):
        await as_api.execute(f"SELECT FROM tenancy.tenants {lock}")
        query = "UPDATE tenancy.tenants SET metadata = '{}' RETURNING 1"
        assert len(await attempt(victim, barclays.parent.token, "SET LOCAL lock_timeout = 500", query)) == 3
    await victim.close()


@sees_nothing(GROUP)
async def test_waiting_for_a_stranger(
    as_api: asyncpg.Connection, database: TestDatabase, hsbc: Organization, barclays: Organization
) -> None:
    """To notice by a wait that a stranger is inserting a row of the same name or with the same key."""
    victim = await database.connect_as_api()
    async with presenting(victim, barclays.parent.token):
        await victim.execute(INSERT.format(barclays.parent.tenant_id, "Same name"))
        await victim.execute("SELECT tenancy.begin_request('same key', sha256('x'))")
        statements = ("SET LOCAL lock_timeout = 300", INSERT.format(hsbc.parent.tenant_id, "Same name"))
        await attempt(as_api, hsbc.parent.token, *statements)
        key = "SELECT is_new FROM tenancy.begin_request('same key', sha256('x'))"
        rows = await attempt(as_api, hsbc.parent.token, "SET LOCAL lock_timeout = 300", key)
        assert [row["is_new"] for row in rows] == [True]
    await victim.close()


@sees_nothing(GROUP)
async def test_listening(
    as_api: asyncpg.Connection, registry: Registry, database: TestDatabase, hsbc: Organization
) -> None:
    """To be notified of others' changes."""
    heard: list[object] = []

    def listener(*message: object) -> None:
        heard.append(message)

    channels = ("tenants", "tenancy", "tenant_events", "events", str(hsbc.parent.tenant_id))
    for channel in channels:
        await as_api.add_listener(channel, listener)
    await registry.create_organization("Loud")
    victim = await database.connect_as_api()
    await attempt(victim, hsbc.parent.token, "UPDATE tenancy.tenants SET metadata = '{}'")
    await victim.close()
    await as_api.execute("SELECT 1")
    await asyncio.sleep(0.05)
    for channel in channels:
        await as_api.remove_listener(channel, listener)
    assert heard == []


@sees_nothing(GROUP)
async def test_sequences(as_admin: asyncpg.Connection) -> None:
    """To count others' inserts by the gaps of a sequence."""
    assert await as_admin.fetchval("SELECT count(*) FROM pg_sequences WHERE schemaname LIKE 'tenancy%'") == 0


@sees_nothing(GROUP)
async def test_statistics_views(as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization) -> None:
    """To read sampled names in pg_stats and its like."""
    await as_admin.execute("ANALYZE")
    for view in ("pg_stats", "pg_stats_ext", "pg_stats_ext_exprs"):
        assert await as_api.fetchval(f"SELECT count(*) FROM {view} WHERE schemaname LIKE 'tenancy%'") == 0
    assert hsbc.parties


COUNTS = {
    "rows estimated": "SELECT reltuples, relpages FROM pg_class WHERE oid = 'tenancy.tenants'::regclass",
    "rows inserted": "SELECT n_tup_ins, n_tup_upd FROM pg_stat_user_tables WHERE relname = 'tenants'",
    "tokens issued": "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'access_tokens'",
    "bytes": "SELECT pg_total_relation_size('tenancy.tenants')",
    "bytes of the database": "SELECT pg_database_size(current_database())",
    "bytes logged": "SELECT pg_current_wal_lsn() - '0/0'",
    "transactions": "SELECT txid_current()",
}


@residual(GROUP, "one total over all tenants, for the table or the server; closed by scripts/harden_self_managed.sql")
@pytest.mark.parametrize("what", COUNTS)
async def test_counting(as_api: asyncpg.Connection, hsbc: Organization, what: str) -> None:
    """To measure what others do by counts that no policy covers."""
    without_token = await attempt(as_api, None, COUNTS[what])
    with_token = await attempt(as_api, hsbc.parent.token, COUNTS[what])
    assert len(without_token) == len(with_token) == 1
    for value in (*without_token[0], *with_token[0]):
        assert float(value) == value, "a number: no name, no id, no organisation"


@residual(
    GROUP, "that the hidden row at a guessed address was changed, not which it is; closed by the hardening script"
)
async def test_following_a_row_to_its_new_address(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, database: TestDatabase, barclays: Organization
) -> None:
    """To watch, by currtid2, hidden rows being rewritten."""
    address = "SELECT ctid::text FROM tenancy.tenants WHERE tenant_id = $1"
    old = await as_admin.fetchval(address, barclays.parent.tenant_id)
    victim = await database.connect_as_api()
    await attempt(victim, barclays.parent.token, "UPDATE tenancy.tenants SET metadata = '{}'")
    await victim.close()
    new = await as_api.fetchval("SELECT currtid2('tenancy.tenants', $1::text::tid)::text", old)
    assert new == await as_admin.fetchval(address, barclays.parent.tenant_id) != old


@residual(
    GROUP, "sessions of the service's role may end each other: requests fail with 503; closed by the hardening script"
)
async def test_ending_other_sessions(as_api: asyncpg.Connection, database: TestDatabase) -> None:
    """To end other callers' transactions."""
    victim = await database.connect_as_api()
    assert await as_api.fetchval("SELECT pg_terminate_backend($1, 1000)", victim.get_server_pid())
    ended = (
        asyncpg.AdminShutdownError,
        asyncpg.ConnectionDoesNotExistError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    )
    with pytest.raises(ended):
        await victim.fetch("SELECT 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_api.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'")


@residual(
    GROUP, "notes of the attacker's own that later injections find, never rows of ours; closed by the hardening script"
)
async def test_a_note_in_a_large_object(as_api: asyncpg.Connection, hsbc: Organization) -> None:
    """To leave something for a later request in a place that no policy covers."""
    note = await as_api.fetchval("SELECT lo_from_bytea(0, 'note')")
    assert await attempt(as_api, hsbc.parent.token, f"SELECT lo_get({note}) AS note") == [(b"note",)]
    assert await as_api.fetchval(f"SELECT lo_unlink({note})") == 1
