"""Unusual statements: ways of reading or writing that the policies might not cover."""

from uuid import UUID

import asyncpg
import pytest

from tests.support.attack import refused, residual, sees_nothing
from tests.support.attempt import attempt, attempt_quietly
from tests.support.context import presenting, stored_tenants, visible_ids
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.test_database import TestDatabase

GROUP = "unusual statements"

WRITES = {
    "UPDATE": "UPDATE tenancy.tenants SET name = 'mine' WHERE tenant_id = '{victim}' RETURNING *",
    "UPDATE from a join": "UPDATE tenancy.tenants AS t SET metadata = v.metadata FROM tenancy.tenants AS v"
    " WHERE v.tenant_id = '{victim}' RETURNING v.*",
    "DELETE": "DELETE FROM tenancy.tenants WHERE tenant_id = '{victim}' RETURNING *",
    "DELETE using a join": "DELETE FROM tenancy.tenants AS t USING tenancy.tenants AS v"
    " WHERE v.tenant_id = '{victim}' RETURNING v.*",
    "MERGE that updates": "MERGE INTO tenancy.tenants AS t USING (SELECT '{victim}'::uuid AS id) AS s"
    " ON t.tenant_id = s.id WHEN MATCHED THEN UPDATE SET name = 'mine' RETURNING merge_action(), t.*",
    "MERGE that deletes": "MERGE INTO tenancy.tenants AS t USING (SELECT '{victim}'::uuid AS id) AS s"
    " ON t.tenant_id = s.id WHEN MATCHED THEN DELETE RETURNING t.*",
    "MERGE by source": "MERGE INTO tenancy.tenants AS t USING (SELECT WHERE false) AS s ON t.tenant_id = '{victim}'"
    " WHEN NOT MATCHED BY SOURCE AND t.tenant_id = '{victim}' THEN DELETE RETURNING t.*",
    "a WITH that deletes": "WITH gone AS (DELETE FROM tenancy.tenants WHERE tenant_id = '{victim}' RETURNING *)"
    " SELECT * FROM gone",
    "a WITH that updates": "WITH seen AS (UPDATE tenancy.tenants SET metadata = metadata"
    " WHERE organization_id = '{victim}' RETURNING *) SELECT * FROM seen",
    "ROWS FROM a subquery": "SELECT * FROM tenancy.tenants WHERE tenant_id IN (SELECT '{victim}'::uuid)",
    "TABLE": "SELECT * FROM (TABLE tenancy.tenants) AS t WHERE t.tenant_id = '{victim}'",
    "ONLY": "SELECT * FROM ONLY tenancy.tenants WHERE tenant_id = '{victim}'",
    "TABLESAMPLE": "SELECT * FROM tenancy.tenants TABLESAMPLE SYSTEM (100) WHERE tenant_id = '{victim}'",
    "TABLESAMPLE by row": "SELECT * FROM tenancy.tenants TABLESAMPLE BERNOULLI (100) WHERE tenant_id = '{victim}'",
    "FOR UPDATE": "SELECT * FROM tenancy.tenants WHERE tenant_id = '{victim}' FOR UPDATE",
    "a row's address": "SELECT * FROM tenancy.tenants WHERE ctid < '(1000,0)' AND tenant_id = '{victim}'",
    "WITH RECURSIVE": "WITH RECURSIVE tree AS (SELECT '{victim}'::uuid AS id UNION SELECT t.tenant_id"
    " FROM tenancy.tenants AS t JOIN tree ON t.parent_tenant_id = tree.id)"
    " SELECT t.* FROM tree JOIN tenancy.tenants AS t ON t.tenant_id = tree.id",
}
INSERTS = {
    "INSERT": "",
    "ON CONFLICT DO NOTHING": "ON CONFLICT DO NOTHING",
    "ON CONFLICT DO UPDATE": "ON CONFLICT (organization_id, tenant_id) DO UPDATE SET name = EXCLUDED.name",
    "RETURNING": "RETURNING *",
}


@sees_nothing(GROUP)
@pytest.mark.parametrize("what", WRITES)
async def test_aimed_at_a_stranger(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization, what: str
) -> None:
    """To reach a stranger's row by a statement that is rarely thought of."""
    before = await stored_tenants(as_admin)
    for attacker in (hsbc.parent, hsbc.subsidiaries[0]):
        for victim in barclays.parties:
            assert await attempt(as_api, attacker.token, WRITES[what].format(victim=victim.tenant_id)) == []
    assert await stored_tenants(as_admin) == before
    own = [
        await attempt_quietly(as_api, hsbc.parent.token, WRITES[what].format(victim=party.tenant_id))
        for party in hsbc.parties
    ]
    assert any(own), "the statement must find the attacker's own tenant, otherwise it proves nothing"


@refused(GROUP)
@pytest.mark.parametrize("what", INSERTS)
async def test_inserting_below_a_stranger(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization, what: str
) -> None:
    """To plant a row in a stranger's organisation, or to learn from the conflict what is there."""
    before = await stored_tenants(as_admin)
    for name in (barclays.subsidiaries[0].name, "An unused name"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security") as refusal:
            await attempt(
                as_api,
                hsbc.parent.token,
                "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name)"
                f" VALUES ('subsidiary', '{barclays.parent.tenant_id}', '{name}') {INSERTS[what]}",
            )
        assert refusal.value.detail is None
    assert await stored_tenants(as_admin) == before


@refused(GROUP)
async def test_copying_in(as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization) -> None:
    """To load rows past the policies with COPY FROM."""
    async with presenting(as_api, hsbc.parent.token):
        with pytest.raises(asyncpg.FeatureNotSupportedError, match="row-level security"):
            await as_api.copy_records_to_table(
                "tenants",
                schema_name="tenancy",
                columns=["tenant_type", "parent_tenant_id", "name"],
                records=[("subsidiary", barclays.parent.tenant_id, "mine")],
            )


@sees_nothing(GROUP)
@pytest.mark.parametrize("source", ["tenancy.tenants", "(SELECT * FROM tenancy.tenants)"])
async def test_copying_out(as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization, source: str) -> None:
    """To dump the whole table with COPY TO."""
    chunks: list[bytes] = []

    async def keep(chunk: bytes) -> None:
        chunks.append(chunk)

    copy = as_api.copy_from_query if source.startswith("(") else as_api.copy_from_table
    where = {"query": source[1:-1]} if source.startswith("(") else {"table_name": "tenants", "schema_name": "tenancy"}
    async with presenting(as_api, hsbc.parent.token):
        await copy(**where, output=keep)
    dump = b"".join(chunks).decode()
    assert hsbc.parent.name in dump
    assert barclays.parent.name not in dump


@refused(GROUP)
async def test_moving_a_row_to_a_stranger(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """To make the own tenant a stranger's subsidiary."""
    for column in ("parent_tenant_id", "organization_id", "tenant_id"):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.GeneratedAlwaysError)):
            await attempt(
                as_api, hsbc.parent.token, f"UPDATE tenancy.tenants SET {column} = '{barclays.parent.tenant_id}'"
            )


@sees_nothing(GROUP)
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_plan_kept_across_callers(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization, platform_operator: Party, mode: str
) -> None:
    """To have a plan prepared by one caller, or under one role, carried out for another."""
    await as_api.execute(f"SET plan_cache_mode = {mode}; PREPARE kept AS SELECT tenant_id FROM tenancy.tenants")
    all_tenants = {party.tenant_id for party in (*hsbc.parties, *barclays.parties)}
    expected: list[tuple[str | None, bool, set[UUID]]] = [
        (hsbc.parent.token, False, {party.tenant_id for party in hsbc.parties}),
        (barclays.subsidiaries[0].token, False, {barclays.subsidiaries[0].tenant_id}),
        (platform_operator.token, True, all_tenants),
        (hsbc.parent.token, True, set()),
        (None, False, set()),
        (barclays.parent.token, False, {party.tenant_id for party in barclays.parties}),
    ]
    for _ in range(4):
        for token, as_platform, visible in expected:
            rows = await attempt(as_api, token, "EXECUTE kept", as_platform=as_platform)
            assert {row["tenant_id"] for row in rows} & all_tenants == visible


@sees_nothing(GROUP)
async def test_a_cursor_held_across_callers(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """To open a cursor without a token and have the next caller's token fill it."""
    async with presenting(as_api, None):
        await as_api.execute("DECLARE held CURSOR WITH HOLD FOR SELECT name FROM tenancy.tenants")
    for party in (hsbc.parent, barclays.parent):
        assert await attempt(as_api, party.token, "FETCH ALL FROM held") == []


@sees_nothing(GROUP)
async def test_parallel_workers(as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization) -> None:
    """To have rows read by workers, in which the policies' functions might answer differently."""
    async with presenting(as_api, hsbc.parent.token):
        for setting in (
            "debug_parallel_query = regress",
            "parallel_setup_cost = 0",
            "parallel_tuple_cost = 0",
            "min_parallel_table_scan_size = 0",
            "min_parallel_index_scan_size = 0",
            "parallel_leader_participation = off",
        ):
            await as_api.execute(f"SET LOCAL {setting}")
        assert await visible_ids(as_api) == [party.tenant_id for party in hsbc.parties]
        assert await as_api.fetchval("SELECT count(*) FROM tenancy.tenants") == len(hsbc.parties)
    assert barclays.parties


@residual(
    GROUP, "ACCESS EXCLUSIVE on the tenants for as long as the request's connection lives; others get 503 after 2 s"
)
async def test_locking_the_table_against_all(
    as_api: asyncpg.Connection, database: TestDatabase, hsbc: Organization, barclays: Organization
) -> None:
    """To stop the service by a lock on the table, which DELETE's grant allows."""
    other = await database.connect_as_api()
    await as_api.execute("BEGIN; LOCK TABLE tenancy.tenants IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(asyncpg.LockNotAvailableError):
        await attempt(other, hsbc.parent.token, "SET LOCAL lock_timeout = 100", "SELECT FROM tenancy.tenants")
    await as_api.execute("ROLLBACK")
    assert await attempt(other, barclays.parent.token, "SELECT FROM tenancy.tenants")
    await other.close()
