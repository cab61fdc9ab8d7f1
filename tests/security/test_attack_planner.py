"""Planner and executor: EXPLAIN, errors and the order of evaluation tell nothing about hidden rows."""

from itertools import product

import asyncpg
import pytest

from tests.support.attack import residual, sees_nothing
from tests.support.attempt import attempt
from tests.support.context import presenting
from tests.support.oracle import QUESTIONS, explained, free_twins, twins
from tests.support.organization import Organization
from tests.support.party import Party

GROUP = "side channels"
USUAL = ("cpu_operator_cost = 0.0025",)  # PostgreSQL's own default, not the roles'
BY_ADDRESS = (
    *USUAL,
    "enable_seqscan = off",
    "enable_indexscan = off",
    "enable_indexonlyscan = off",
    "enable_bitmapscan = off",
)
BY_INDEX = (*USUAL, "enable_seqscan = off", "enable_tidscan = off", "enable_bitmapscan = off")
BY_BITMAP = (
    *USUAL,
    "enable_seqscan = off",
    "enable_tidscan = off",
    "enable_indexscan = off",
    "enable_indexonlyscan = off",
)
BY_TABLE = (
    *USUAL,
    "enable_indexscan = off",
    "enable_indexonlyscan = off",
    "enable_bitmapscan = off",
    "enable_tidscan = off",
)
COSTLY = tuple(f"SET LOCAL {setting}" for setting in USUAL)
UNION = (
    "SELECT FROM (SELECT ctid AS address, * FROM {table} UNION ALL SELECT ctid, * FROM {table} WHERE false) AS every"
)
CHEAP = ("cpu_operator_cost = 0",)
DEAR = ("cpu_operator_cost = 1000000",)
FOR_AN_INDEX = (
    "is the name this",
    "is the name one of these",
    "is the id this",
    "is the id one of these",
    "is the organisation this",
    "is the organisation one of these",
)
WHAT_IS_WRITTEN = ("name < '{}'", "created_at < '{}'", "updated_at > '{}'", "version < {}", "tenant_type = '{}'")
TABLES = ("tenancy.tenants", "tenancy.tenant_events")
FREE = (
    *(f"SELECT FROM {table}" for table in TABLES),
    "UPDATE tenancy.tenants SET metadata = '{}'",
    "DELETE FROM tenancy.tenants",
)
WHOLE_ORGANIZATION = """
    SELECT t.* FROM (VALUES (1, '', '{wide}'), (2, '~', '{narrow}')) AS step (n, below, token)
    CROSS JOIN LATERAL (SELECT set_config('app.current_tenant', step.token, true) AS done OFFSET 0) AS present
    CROSS JOIN LATERAL (
        SELECT * FROM {table} WHERE {column} < CASE WHEN present.done IS NULL THEN NULL ELSE step.below END OFFSET 0
    ) AS t
"""
STEP_BY_STEP = """
    SELECT t.tenant_id
    FROM (VALUES (1, $1::tid[], '{narrow}'), (2, $2::tid[], '{wide}')) AS step (n, addresses, token)
    CROSS JOIN LATERAL (SELECT set_config('app.current_tenant', step.token, true) AS done OFFSET 0) AS present
    CROSS JOIN LATERAL (
        SELECT * FROM {table} WHERE ctid = ANY (CASE WHEN present.done <> '' THEN step.addresses END) OFFSET 0
    ) AS t
"""


@sees_nothing(GROUP)
@pytest.mark.parametrize("question", QUESTIONS)
async def test_whether_the_policy_was_still_asked(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization, question: str
) -> None:
    """To see in EXPLAIN ANALYZE whether a condition on a hidden row was true before the policy was evaluated."""
    for attacker, victim in _pairs(hsbc, barclays):
        address, true, false = await twins(as_admin, victim, question)
        for settings, as_platform in product((BY_ADDRESS, BY_ADDRESS + CHEAP, BY_ADDRESS + DEAR), (False, True)):
            seen = [
                await explained(
                    as_api,
                    attacker,
                    f"SELECT FROM tenancy.tenants WHERE ctid = '{address}' AND {condition}",
                    settings,
                    as_platform=as_platform,
                )
                for condition in (true, false)
            ]
            assert seen[0] == seen[1]


@sees_nothing(GROUP)
@pytest.mark.parametrize("question", FOR_AN_INDEX)
async def test_how_many_rows_an_index_found(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization, question: str
) -> None:
    """To count in EXPLAIN ANALYZE the hidden rows that a condition found in an index before the policy came."""
    for attacker, victim in _pairs(hsbc, barclays):
        if "organisation" in question and victim in hsbc.parties:
            continue  # see test_counting_the_own_organisation
        _, *conditions = await twins(as_admin, victim, question)
        for settings in (BY_INDEX, BY_BITMAP, BY_TABLE):
            queries = [f"SELECT FROM tenancy.tenants WHERE {condition}" for condition in conditions]
            seen = [await explained(as_api, attacker, q, settings, as_platform=attacker is None) for q in queries]
            assert seen[0] == seen[1]


@sees_nothing(GROUP)
@pytest.mark.parametrize("as_platform", [False, True])
@pytest.mark.parametrize("question", QUESTIONS)
async def test_whether_the_policy_raises_its_error(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, barclays: Organization, question: str, as_platform: bool
) -> None:
    """To present an invalid token, whose error is raised only if the attacker's condition on a hidden row was true."""
    for victim in barclays.parties:
        address, *conditions = await twins(as_admin, victim, question)
        for condition in conditions:
            query = f"SELECT FROM tenancy.tenants WHERE ctid = '{address}' AND {condition}"
            with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
                await attempt(as_api, "dead", *COSTLY, query, as_platform=as_platform)


@sees_nothing(GROUP)
@pytest.mark.parametrize("condition", WHAT_IS_WRITTEN)
async def test_what_the_planner_expects(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization, condition: str
) -> None:
    """To read names, times and types off EXPLAIN's row estimates, which come from a sample of all rows."""
    await as_admin.execute("ANALYZE tenancy.tenants")
    values = {"name": ("A", "zzz"), "version": (0, 9999), "tenant_type": ("parent", "subsidiary")}
    lowest, highest = values.get(condition.split(maxsplit=1)[0], ("1999-01-01", "2999-01-01"))
    queries = [f"SELECT FROM tenancy.tenants WHERE {condition.format(value)}" for value in (lowest, highest)]
    for token, as_platform in ((None, True), (None, False), (hsbc.parent.token, False), (barclays.parent.token, False)):
        seen = [await explained(as_api, token, q, as_platform=as_platform, explain="EXPLAIN") for q in queries]
        assert seen[0] == seen[1]


@sees_nothing(GROUP)
@pytest.mark.parametrize(("table", "column"), [("tenancy.tenants", "name"), ("tenancy.tenant_events", "database_role")])
async def test_two_tokens_in_one_statement(
    as_api: asyncpg.Connection,
    hsbc: Organization,
    barclays: Organization,
    table: str,
    column: str,
) -> None:
    """To be measured by the organisation of one token and by the wide reach of another, changed in mid-statement."""
    for wide, narrow in ((barclays.parent, hsbc.subsidiaries[0]), (hsbc.subsidiaries[0], barclays.parent)):
        rows = await attempt(
            as_api,
            None,
            *(f"SET LOCAL {setting}" for setting in BY_TABLE),
            WHOLE_ORGANIZATION.format(wide=wide.token, narrow=narrow.token, table=table, column=column),
        )
        reach = {hsbc.subsidiaries[0].tenant_id, *(party.tenant_id for party in barclays.parties)}
        assert {row["tenant_id"] for row in rows} <= reach


@sees_nothing(GROUP)
@pytest.mark.parametrize("table", ["tenancy.tenants", "tenancy.tenant_events"])
async def test_two_tokens_on_chosen_rows(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization, table: str
) -> None:
    """To have the organisation evaluated on a stranger's row, and then the reach with another parent's token."""
    query = f"SELECT array_agg(ctid) FROM {table} WHERE organization_id = $1"
    ours, theirs = [await as_admin.fetchval(query, bank.parent.tenant_id) for bank in (hsbc, barclays)]
    seen = {}
    for narrow in (hsbc.subsidiaries[0], barclays.parent):
        async with presenting(as_api, None):
            for setting in BY_ADDRESS:
                await as_api.execute(f"SET LOCAL {setting}")
            steps = STEP_BY_STEP.format(narrow=narrow.token, wide=barclays.parent.token, table=table)
            seen[narrow.name] = {row["tenant_id"] for row in await as_api.fetch(steps, theirs, ours + theirs)}
    assert seen[hsbc.subsidiaries[0].name] == set()
    assert seen[barclays.parent.name] == {party.tenant_id for party in barclays.parties}


@sees_nothing(GROUP)
async def test_the_path_to_a_hidden_and_to_an_absent_id(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """To tell a hidden id from an absent one by the time it takes, so by the steps that the database takes."""
    await as_admin.execute("ANALYZE tenancy.tenants")
    for attacker in (hsbc.parent, hsbc.subsidiaries[0]):
        _, hidden, absent = await twins(as_admin, barclays.parent, "is the id this")
        plans = [
            await explained(as_api, attacker.token, f"SELECT * FROM tenancy.tenants WHERE {form}", as_platform=False)
            for form in (hidden, absent)
        ]
        assert plans[0] == plans[1]


@sees_nothing(GROUP)
@pytest.mark.parametrize("statement", FREE)
async def test_conditions_that_cost_nothing(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization, statement: str
) -> None:
    """To have a condition that costs nothing evaluated before the policy's, on any column, by any verb."""
    table = next(table for table in TABLES if table in statement)
    for attacker, victim in _pairs(hsbc, barclays):
        await _free_conditions_show_nothing(as_api, as_admin, attacker, victim, table, f"{statement} WHERE ctid")


@sees_nothing(GROUP)
@pytest.mark.parametrize("table", TABLES)
async def test_conditions_on_the_branches_of_a_union(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization, table: str
) -> None:
    """To have a condition that costs nothing evaluated in UNION ALL, where the query's stand before the policy's."""
    query = f"{UNION.format(table=table)} WHERE address"
    for attacker, victim in _pairs(hsbc, barclays):
        await _free_conditions_show_nothing(as_api, as_admin, attacker, victim, table, query)


@sees_nothing(GROUP)
@pytest.mark.parametrize("as_platform", [False, True])
async def test_whether_any_tenant_has_a_name(
    as_api: asyncpg.Connection,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    barclays: Organization,
    as_platform: bool,
) -> None:
    """To read off EXPLAIN ANALYZE of a UNION ALL whether there is a tenant of some name, without any address."""
    for attacker, victim in _pairs(hsbc, barclays):
        _, *conditions = await twins(as_admin, victim, "is the name a key of this")
        queries = [f"{UNION.format(table='tenancy.tenants')} WHERE {condition}" for condition in conditions]
        seen = [await explained(as_api, attacker, q, BY_TABLE, as_platform=as_platform) for q in queries]
        assert seen[0] == seen[1]


@residual(GROUP, "a subsidiary learns how many tenants its own organisation has; none of their names or ids")
async def test_counting_the_own_organisation(as_api: asyncpg.Connection, hsbc: Organization) -> None:
    """To count, as a subsidiary, its siblings in an index that begins with the organisation."""
    query = f"SELECT FROM tenancy.tenants WHERE organization_id = '{hsbc.parent.tenant_id}'"
    lines = await explained(as_api, hsbc.subsidiaries[0].token, query, BY_TABLE, as_platform=False)
    assert [line for line in lines if "Rows Removed" in line]
    assert await attempt(as_api, hsbc.subsidiaries[0].token, query) == [()]


@residual(GROUP, "how many tenants there are altogether, whatever the condition that is asked with")
async def test_rows_removed_by_a_filter(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """To count hidden rows by EXPLAIN ANALYZE's rows removed."""
    total = await as_admin.fetchval("SELECT count(*) FROM tenancy.tenants")
    for condition in ("true", f"name = '{barclays.parent.name}'", "name = 'absent'"):
        query = f"SELECT FROM tenancy.tenants WHERE {condition}"
        lines = await explained(as_api, None, query, BY_TABLE, as_platform=False)
        assert f"Rows Removed by Filter: {total}" in [line.strip() for line in lines]
    assert hsbc.parties


def _pairs(hsbc: Organization, barclays: Organization) -> list[tuple[str | None, Party]]:
    """Return attackers' tokens with tenants that they do not see: strangers, and a subsidiary's own family."""
    return [
        (None, barclays.parent),
        (hsbc.parent.token, barclays.parent),
        (hsbc.parent.token, barclays.subsidiaries[1]),
        (hsbc.subsidiaries[0].token, barclays.subsidiaries[0]),
        (hsbc.subsidiaries[0].token, hsbc.parent),
        (hsbc.subsidiaries[0].token, hsbc.subsidiaries[1]),
    ]


async def _free_conditions_show_nothing(  # noqa: PLR0913, PLR0917 - who looks for whom, and by what
    as_api: asyncpg.Connection,
    as_admin: asyncpg.Connection,
    attacker: str | None,
    victim: Party,
    table: str,
    query: str,
) -> None:
    """Look for the victim's row by its address, with pairs of free conditions of which one is true of the row."""
    row = f"SELECT max(ctid)::text FROM {table} WHERE tenant_id = $1"
    address = await as_admin.fetchval(row, victim.tenant_id)
    for conditions, as_platform in product(await free_twins(as_admin, table, address), (False, True)):
        queries = [f"{query} = '{address}' AND {condition}" for condition in conditions]
        seen = [await explained(as_api, attacker, one, BY_ADDRESS, as_platform=as_platform) for one in queries]
        assert seen[0] == seen[1], conditions
        for one in queries:
            with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
                await attempt(as_api, "dead", *COSTLY, one, as_platform=as_platform)
