"""Writing with a read-only token: by every verb and detour, with a second token in hand."""

from itertools import product

import asyncpg
import pytest

from multi_tenant_db.database.failures import READ_ONLY_TOKEN
from tests.support.attack import refused, sees_nothing
from tests.support.attempt import attempt, attempt_quietly, error_of
from tests.support.context import ALL_TENANTS, presenting, visible_ids
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.stored_rows import Rows, rows_of_all_tables

GROUP = "exceeding a token"

ADD = "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name)"
DOOMED = "SELECT tenant_id FROM tenancy.tenants WHERE tenant_id = '{child}'"
WRITES = {
    "insert": f"{ADD} VALUES ('subsidiary', '{{head}}', 'mine')",
    "insert from select": f"{ADD} SELECT 'subsidiary', tenant_id, 'mine' FROM tenancy.tenants",
    "insert unless there": f"{ADD} VALUES ('subsidiary', '{{head}}', 'mine') ON CONFLICT DO NOTHING",
    "update": "UPDATE tenancy.tenants SET name = name || '!'",
    "update by id": "UPDATE tenancy.tenants SET name = name || '!' WHERE tenant_id = '{child}'",
    "update without reading": "UPDATE tenancy.tenants SET metadata = DEFAULT",
    "update from": f"UPDATE tenancy.tenants AS t SET name = 'x' FROM ({DOOMED}) AS d WHERE t.tenant_id = d.tenant_id",
    "delete": "DELETE FROM tenancy.tenants",
    "delete by id": "DELETE FROM tenancy.tenants WHERE tenant_id = '{child}' RETURNING *",
    "delete using": f"DELETE FROM tenancy.tenants AS t USING ({DOOMED}) AS d WHERE t.tenant_id = d.tenant_id",
    "delete an absent id": "DELETE FROM tenancy.tenants WHERE tenant_id = gen_random_uuid()",
    "in a CTE": "WITH gone AS (DELETE FROM tenancy.tenants RETURNING *) SELECT * FROM gone",
    **{
        f"merge, {action.split()[0].lower()}": (
            "MERGE INTO tenancy.tenants AS t USING (SELECT tenant_id FROM tenancy.tenants) AS s"
            f" ON t.tenant_id = s.tenant_id AND {condition} WHEN {matched} THEN {action}"
        )
        for condition, matched, action in (
            ("true", "MATCHED", "UPDATE SET name = t.name || '!'"),
            ("true", "MATCHED", "DELETE"),
            (
                "false",
                "NOT MATCHED",
                "INSERT (tenant_type, parent_tenant_id, name) VALUES ('subsidiary', '{head}', 'x')",
            ),
        )
    },
    **{
        f"lock for {strength.lower()}": f"SELECT * FROM tenancy.tenants FOR {strength}"
        for strength in ("UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE")
    },
    "claim a key": "SELECT tenancy.begin_request('key', sha256('body'))",
    "store an answer": "SELECT tenancy.finish_request('key', '{{}}')",
}


@pytest.fixture
async def readers(registry: Registry, as_api: asyncpg.Connection, hsbc: Organization) -> list[str]:
    """Issue read-only tokens of the parent and of a subsidiary; the parent has claimed a key."""
    async with presenting(as_api, hsbc.parent.token):
        await as_api.execute(WRITES["claim a key"])
    parties = hsbc.parties[:2]
    return [await registry.issue_token(hsbc.parent.tenant_id, party.tenant_id, may_write=False) for party in parties]


def filled(name: str, bank: Organization) -> str:
    """Return a write with ids of the organisation."""
    return WRITES[name].format(head=bank.parent.tenant_id, child=bank.subsidiaries[0].tenant_id)


async def rows(as_admin: asyncpg.Connection) -> Rows:
    """Return everything that is stored."""
    return await rows_of_all_tables(as_admin)


@refused(GROUP)
@pytest.mark.parametrize("name", WRITES)
async def test_a_write_with_a_read_only_token(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, readers: list[str], name: str
) -> None:
    """To write, lock or claim anything with a token that may only read."""
    before = await rows(as_admin)
    for token in readers:
        error = await error_of(attempt(as_api, token, filled(name, hsbc)))
        assert (error.sqlstate, error.message) == (READ_ONLY_TOKEN, "the access token is read-only")
    assert await rows(as_admin) == before


@refused(GROUP)
@pytest.mark.parametrize("name", [name for name in WRITES if name not in {"claim a key", "store an answer"}])
@pytest.mark.usefixtures("readers")
async def test_a_write_with_a_read_only_operators_token(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization, name: str
) -> None:
    """To write as a platform operator whose token may only read."""
    token = await registry.issue_operator_token(may_write=False)
    before = await rows(as_admin)
    error = await error_of(attempt(as_api, token, filled(name, hsbc), as_platform=True))
    assert error.sqlstate == READ_ONLY_TOKEN
    assert await rows(as_admin) == before


@refused(GROUP)
@pytest.mark.parametrize("name", ["update by id", "delete by id", "insert", "lock for update"])
async def test_a_plan_made_for_another_token(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, readers: list[str], name: str
) -> None:
    """To run, with a read-only token, a plan that was made and kept with one that may write."""
    await as_api.execute("SET plan_cache_mode = force_generic_plan")
    await as_api.execute(f"PREPARE kept AS {filled(name, hsbc)}")
    await attempt_quietly(as_api, hsbc.parent.token, "EXECUTE kept")
    before = await rows(as_admin)
    for token in readers:
        assert (await error_of(attempt(as_api, token, "EXECUTE kept"))).sqlstate == READ_ONLY_TOKEN
    assert await rows(as_admin) == before


@refused(GROUP)
async def test_a_cursor_of_another_token(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, readers: list[str]
) -> None:
    """To change, with a read-only token, the row at which a cursor of one that may write stands."""
    before = await as_admin.fetch(ALL_TENANTS)
    error = await error_of(
        attempt(
            as_api,
            hsbc.parent.token,
            "DECLARE here CURSOR FOR SELECT * FROM tenancy.tenants FOR UPDATE",
            "FETCH here",
            f"SELECT set_config('app.current_tenant', '{readers[0]}', true)",
            "UPDATE tenancy.tenants SET name = 'mine' WHERE CURRENT OF here",
        )
    )
    assert error.sqlstate == READ_ONLY_TOKEN
    assert await as_admin.fetch(ALL_TENANTS) == before


SWAPS = {
    # Conditions on the organisation are evaluated before those on the parent and on the tenant: in between, the
    # statement itself presents the other token. RETURNING comes before the trigger that records the event.
    "delete": "DELETE FROM tenancy.tenants {where} RETURNING ({back})",
    "update": "UPDATE tenancy.tenants SET name = 'mine' {where} RETURNING ({back})",
    "update, presenting": "UPDATE tenancy.tenants SET name = ({back})::text {where}",
    "delete, then joined": (
        "WITH swap AS MATERIALIZED ({then}) DELETE FROM tenancy.tenants USING swap"
        " WHERE tenant_id = '{target}' RETURNING ({back})"
    ),
    "lock": "SELECT ({back}) FROM tenancy.tenants {where} FOR UPDATE",
    "add": f"{ADD} VALUES ('subsidiary', '{{head}}', 'mine') RETURNING ({{back}})",
    "add from select": (
        f"{ADD} SELECT 'subsidiary', '{{target}}'::uuid, ({{back}})::text"
        " FROM tenancy.tenants WHERE organization_id = ({then})"
    ),
}
WHERE = (
    "WHERE organization_id = ({then}) AND tenant_id = '{target}'",
    "WHERE organization_id = '{head}' AND tenant_id = ({then_target})",
)
PRESENT = (
    "SELECT CASE WHEN pg_catalog.set_config('app.current_tenant', '{token}', true) IS NOT NULL THEN '{id}'::uuid END"
)


@sees_nothing(GROUP)
@pytest.mark.parametrize("name", SWAPS)
async def test_the_reach_of_one_token_with_the_right_of_another(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, readers: list[str], name: str
) -> None:
    """To write what only the parent may, with the parent's read-only token and a subsidiary's that may write."""
    before = await as_admin.fetch(ALL_TENANTS)
    own, sibling = hsbc.subsidiaries
    for target in (hsbc.parent, own, sibling):
        if (target, name) in {(own, "update"), (own, "update, presenting"), (own, "lock")}:
            continue  # its own right
        ids = {"head": hsbc.parent.tenant_id, "target": target.tenant_id}
        for first, *order in product((own.token, readers[0]), repeat=3):
            then, back = (PRESENT.format(token=token, id=ids["head"]) for token in order)
            then_target = PRESENT.format(token=order[0], id=ids["target"])
            for where in WHERE if "{where}" in SWAPS[name] else [""]:
                condition = where.format(then=then, then_target=then_target, **ids)
                await attempt_committed(as_api, first, SWAPS[name].format(where=condition, then=then, back=back, **ids))
    assert await as_admin.fetch(ALL_TENANTS) == before


@refused(GROUP)
async def test_a_change_in_the_name_of_a_read_only_token(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, readers: list[str]
) -> None:
    """To change a tenant with a token that may write, and have the trail name one that may not."""
    before = await as_admin.fetch(ALL_TENANTS)
    back = PRESENT.format(token=readers[0], id=hsbc.parent.tenant_id)
    statement = f"UPDATE tenancy.tenants SET name = name || '!' RETURNING ({back})"
    assert (await error_of(attempt(as_api, hsbc.parent.token, statement))).sqlstate == READ_ONLY_TOKEN
    assert await as_admin.fetch(ALL_TENANTS) == before


async def attempt_committed(connection: asyncpg.Connection, token: str, *statements: str) -> None:
    """Attempt and commit, unless it is refused; a row that is locked without a right is a failure of the test."""
    try:
        found = await attempt(connection, token, *statements)
    except asyncpg.PostgresError:
        return
    assert not found


async def test_reading_is_not_restricted(as_api: asyncpg.Connection, hsbc: Organization, readers: list[str]) -> None:
    """A read-only token sees what any token of its tenant sees."""
    ordinary = (hsbc.parent.token, hsbc.subsidiaries[0].token)
    for reader, token in zip(readers, ordinary, strict=True):
        seen = []
        for presented in (reader, token):
            async with presenting(as_api, presented):
                tenants = await visible_ids(as_api)
                events = await as_api.fetch("SELECT event_id FROM tenancy.tenant_events ORDER BY event_id")
            seen.append((tenants, events))
        assert seen[0] == seen[1]
        assert seen[0][0]
