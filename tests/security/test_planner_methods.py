"""The policy is evaluated first, whichever methods the planner is left with.

PostgreSQL orders a table's conditions by security level, then by cost, then as they stand. A leakproof condition of the
query that costs less than ten operators would get the policies' own level: `tenancy.policies_come_first()` sees to it
that none does. EXPLAIN shows the order. Each of the planner's switches, and costs that make operators free or dear, are
tried here on whatever release runs the tests.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import URL

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.repositories import tenant_statements
from tests.support.attack import sees_nothing
from tests.support.context import presenting
from tests.support.extent import part
from tests.support.large_database import LargeDatabase, large_database
from tests.support.oracle import QUESTIONS, free_twins, twins
from tests.support.organization import Organization
from tests.support.party import Party

GROUP = "side channels"
SWITCHES = "SELECT name FROM pg_settings WHERE name LIKE 'enable\\_%' AND vartype = 'bool' ORDER BY name"
COSTS = (
    ("cpu_operator_cost", "0"),
    ("cpu_operator_cost", "1000000"),
    ("cpu_tuple_cost", "0"),
    ("random_page_cost", "1000000"),
    ("from_collapse_limit", "1"),
    ("jit_above_cost", "0"),
)
USUAL_COST = "SET LOCAL cpu_operator_cost = 0.0025"
LATER_POLICY = """
    ALTER POLICY a_tenant_sees_itself_and_its_subsidiaries ON tenancy.tenants
    USING (organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())]))
"""
POLICY_FIRST = re.compile(
    r"\(*\((JSON_OBJECT\((\w+\.)?organization_id : 1, (\w+\.)?tenant_id : 1 RETURNING jsonb\)\)"
    r"\[\(InitPlan \d+\)\.col1\]|InitPlan \d+\)\.col1) IS NOT NULL(\)|$)"
)
UNION = "SELECT FROM (SELECT * FROM tenancy.tenants UNION ALL SELECT * FROM tenancy.tenants) AS every WHERE {condition}"
SHAPES = {
    "a read": "SELECT FROM tenancy.tenants WHERE {condition}",
    "a read by address": "SELECT FROM tenancy.tenants WHERE ctid = '{address}' AND {condition}",
    "a read by addresses of another table": "SELECT FROM (VALUES ('{address}'::tid)) AS v (a), tenancy.tenants"
    " WHERE ctid = v.a AND {condition}",
    "a join with itself": "SELECT FROM (SELECT * FROM tenancy.tenants WHERE {condition}) AS one"
    " JOIN tenancy.tenants AS other USING (organization_id, tenant_id)",
    "a union": UNION,
    "an existence": "SELECT EXISTS (SELECT FROM tenancy.tenants WHERE ctid = '{address}' AND {condition})",
    "an update": "UPDATE tenancy.tenants SET metadata = '{{}}' WHERE ctid = '{address}' AND {condition} RETURNING *",
    "a deletion": "DELETE FROM tenancy.tenants WHERE ctid = '{address}' AND {condition} RETURNING *",
    "a merge": "MERGE INTO tenancy.tenants USING (VALUES (1)) AS v (a) ON ctid = '{address}' AND {condition}"
    " WHEN MATCHED THEN DELETE",
    "a lock": "SELECT FROM tenancy.tenants WHERE {condition} FOR UPDATE",
}
READS: dict[str, CompiledStatement[Any]] = {
    "by id": tenant_statements.FIND,
    **{f"first page, {kind or 'all'}": page for kind, page in tenant_statements.FIRST_PAGE.items()},
    **{f"later page, {kind or 'all'}": page for kind, page in tenant_statements.LATER_PAGE.items()},
}
WRITES: dict[str, CompiledStatement[Any]] = {
    "replace": tenant_statements.REPLACE,
    "remove": tenant_statements.REMOVE,
    "remove an organisation": tenant_statements.REMOVE_ORGANIZATION,
}


@pytest.fixture(scope="module")
async def large(server_url: URL) -> AsyncIterator[LargeDatabase]:
    """Share one large database among the tests of this file."""
    async with large_database(server_url) as made:
        yield made


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return a plan's nodes, from the top down."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the nodes that read one of the protected tables."""
    return [node for node in nodes(plan) if "Scan" in node["Node Type"] and node.get("Relation Name") == "tenants"]


async def planned(connection: asyncpg.Connection, statement: str, *values: object) -> dict[str, Any]:
    """Return the plan of a statement that is not run."""
    [explained] = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *values))
    top: dict[str, Any] = explained["Plan"]
    return top


async def switches(connection: asyncpg.Connection) -> list[str]:
    """Return the planner's switches of this release."""
    names = [row["name"] for row in await connection.fetch(SWITCHES)]
    assert len(names) > 15
    return names


@asynccontextmanager
async def set_to(connection: asyncpg.Connection, setting: str, value: str) -> AsyncIterator[None]:
    """Change one setting of the transaction for a while."""
    await connection.execute(f"SET LOCAL {setting} = {value}")
    yield
    await connection.execute(f"SET LOCAL {setting} TO DEFAULT")


def assert_policy_first(plan: dict[str, Any]) -> int:
    """Every filter on tenants begins with the policy, every index condition has its organisation; count the scans."""
    found = scans(plan)
    for scan in found:
        assert POLICY_FIRST.match(scan["Filter"]), scan
    for node in nodes(plan):
        assert "organization_id" in node.get("Index Cond", "organization_id"), node
    return len(found)


async def conditions(as_admin: asyncpg.Connection, victim: Party) -> tuple[str, list[str]]:
    """Return a hidden row's address, and conditions on it: of every kind of question, and all that cost nothing."""
    asked = [await twins(as_admin, victim, question) for question in QUESTIONS]
    address = asked[0][0]
    free = [first for first, _ in await free_twins(as_admin, "tenancy.tenants", address)]
    return address, [*(first for _, first, _ in asked), *free]


@sees_nothing(GROUP)
@pytest.mark.parametrize("as_platform", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
async def test_no_condition_comes_before_the_policys(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, shape: str, as_platform: bool
) -> None:
    """To switch methods of the planner off until a condition on a hidden row is evaluated before the policy."""
    address, asked = await conditions(as_admin, hsbc.subsidiaries[1])
    ways = [*((name, "off") for name in await switches(as_api)), *COSTS]
    scanned = 0
    async with presenting(as_api, hsbc.subsidiaries[0].token, as_platform=as_platform):
        for setting, value in ways:
            for condition in part(asked, 4):
                statement = SHAPES[shape].format(address=address, condition=condition)
                await as_api.execute(USUAL_COST)  # not the roles', and again for each statement
                async with set_to(as_api, setting, value):
                    scanned += assert_policy_first(await planned(as_api, statement))
    assert scanned > len(ways)


@sees_nothing(GROUP)
async def test_no_cost_lasts(as_api: asyncpg.Connection, hsbc: Organization) -> None:
    """To keep a cost until a plan is made: in a prepared statement, a cursor, a block that is rolled back."""
    union = UNION.format(condition="""('{"x": 1}'::jsonb)[name] IS NOT NULL""")
    async with presenting(as_api, hsbc.parent.token):
        for prelude in ("SAVEPOINT a", "SAVEPOINT b", f"EXPLAIN {union}", "ROLLBACK TO a", "SELECT 1"):
            await as_api.execute(USUAL_COST)
            await as_api.execute(prelude)
            await as_api.execute(f"PREPARE kept AS {union}")
            for _ in range(7):
                await as_api.execute("EXECUTE kept")
                await as_api.execute(USUAL_COST)
                assert assert_policy_first(await planned(as_api, "EXECUTE kept"))
            await as_api.execute("DEALLOCATE kept")
            await as_api.execute(USUAL_COST)
            await as_api.execute(f"DECLARE c CURSOR FOR {union}; CLOSE c")
            assert await as_api.fetchval("SHOW cpu_operator_cost") == "0"


async def test_a_later_policy_is_noticed(as_admin: asyncpg.Connection) -> None:
    """A policy whose first condition has a cost is found behind a test for NULL: the comparison above can fail."""
    transaction = as_admin.transaction()
    await transaction.start()
    try:
        await as_admin.execute(LATER_POLICY)
        await as_admin.execute("SET LOCAL ROLE tenancy_api")
        plan = await planned(as_admin, "SELECT FROM tenancy.tenants WHERE ctid = '(0,1)' AND parent_tenant_id IS NULL")
        with pytest.raises(AssertionError):
            assert_policy_first(plan)
    finally:
        await transaction.rollback()


@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_our_statements_go_by_index(large: LargeDatabase, name: str) -> None:
    """With any one method off, each statement finds its tenants by index conditions, the policy's among them."""
    key = {"organization_id": large.giant.parent.tenant_id, "tenant_id": large.giant.subsidiaries[0].tenant_id}
    values = {"sought": key["tenant_id"], "limit": 101, **{f"last_{column}": key[column] for column in key}}
    values |= {"new_name": "New", "new_metadata": {}, "accepted": None, "refused": []}
    if name in READS:
        text, parameters = READS[name].message(large.giant.parent.token, values)
    else:
        text, parameters = WRITES[name]._text, WRITES[name]._write(values)
    async with presenting(large.as_api, large.giant.parent.token):
        for switch in await switches(large.as_api):
            async with set_to(large.as_api, switch, "off"):
                plan = await planned(large.as_api, text, *parameters)
                assert assert_policy_first(plan), plan
                for scan in scans(plan):
                    by_index = [node for node in nodes(scan) if "Index Cond" in node]
                    assert by_index, (switch, scan)
