"""The plans of reads in one message: the caller is signed in first, then the policies' index conditions are read.

The statements are the repository's own, as they are sent; with each of the planner's methods switched off in turn.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import URL

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.repositories import tenant_statements
from tests.support.large_database import LargeDatabase, large_database

READS: dict[str, CompiledStatement[Any]] = {
    "by id": tenant_statements.FIND,
    **{f"first page, {kind or 'all'}": page for kind, page in tenant_statements.FIRST_PAGE.items()},
    **{f"later page, {kind or 'all'}": page for kind, page in tenant_statements.LATER_PAGE.items()},
}
METHODS = "SELECT name FROM pg_settings WHERE name LIKE 'enable\\_%' AND vartype = 'bool' AND setting = 'on' ORDER BY 1"
TOO_MANY_BLOCKS = 60
"""A page of a hundred rows takes about 20; a page that reads the index from its beginning takes 120 and more."""


@pytest.fixture(scope="module")
async def large(server_url: URL) -> AsyncIterator[LargeDatabase]:
    """Share one large database among the tests of this file."""
    async with large_database(server_url) as made:
        yield made


def message(
    read: CompiledStatement[Any], tenant_id: UUID, last: tuple[UUID, UUID], token: str
) -> tuple[str, list[Any]]:
    """Return a read as it is sent, with its values."""
    organization_id, last_tenant_id = last
    parameters = {
        "sought": tenant_id,
        "limit": 101,
        "last_organization_id": organization_id,
        "last_tenant_id": last_tenant_id,
    }
    return read.message(token, parameters)


async def explain(connection: asyncpg.Connection, text: str, values: list[Any], *, generic: bool) -> dict[str, Any]:
    """Return the plan of the statement as executed, as a prepared one: planned for these values or for any."""
    mode = "force_generic_plan" if generic else "force_custom_plan"
    async with connection.transaction():
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        explained = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", *values)
        plan: dict[str, Any] = json.loads(explained)[0]["Plan"]
        return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return a plan's nodes, from the top down."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def assert_signed_in_first(plan: dict[str, Any]) -> None:
    """The result comes from a nested loop over the caller, which is read once and before anything else."""
    top = next(
        node for node in nodes(plan) if node.get("Parent Relationship") in {None, "Outer"} and "Join" in str(node)
    )
    assert top["Node Type"] == "Nested Loop", top
    assert top["Join Type"] == "Left"
    outer = next(node for node in top["Plans"] if node["Parent Relationship"] == "Outer")
    assert (outer["Node Type"], outer["CTE Name"]) == ("CTE Scan", "caller")
    sign_ins = [node for node in nodes(plan) if node.get("Function Name") == "sign_in"]
    assert [node["Actual Loops"] for node in sign_ins] == [1]
    assert sign_ins[0] in list(nodes(next(node for node in nodes(plan) if node.get("Subplan Name") == "CTE caller")))


@pytest.mark.parametrize("generic", [False, True], ids=["custom", "generic"])
@pytest.mark.parametrize("name", READS)
async def test_the_caller_is_signed_in_first(large: LargeDatabase, name: str, generic: bool) -> None:
    """Whatever method the planner lacks, sign_in is outside of a nested loop, and own rows are found."""
    own = large.giant.subsidiaries[0].tenant_id
    head = large.giant.parent.tenant_id
    text, values = message(READS[name], own, (head, head), large.giant.parent.token)
    methods = [row["name"] for row in await large.as_api.fetch(METHODS)]
    assert len(methods) > 15
    for method in (None, *methods):
        await large.as_api.execute(f"SET {method} = off" if method else "SELECT")
        try:
            plan = await explain(large.as_api, text, values, generic=generic)
            assert_signed_in_first(plan)
            read = await large.as_api.fetch(text, *values)
            assert len([row for row in read if row["is_row"]]) == expected_rows(name), method
        finally:
            await large.as_api.execute(f"RESET {method}" if method else "SELECT")


def expected_rows(name: str) -> int:
    """Return how many rows the giant's parent reads: its own row by id, a page, or its head as the only parent."""
    if name == "by id":
        return 1
    return {"first page, parent": 1, "later page, parent": 0}.get(name, 101)


@pytest.mark.parametrize("generic", [False, True], ids=["custom", "generic"])
@pytest.mark.parametrize("name", [name for name in READS if "parent" not in name])
async def test_a_read_is_an_index_scan_of_what_it_returns(large: LargeDatabase, name: str, generic: bool) -> None:
    """Also from the middle of twenty thousand, a page reads its rows by index conditions, in key order, unsorted."""
    own = large.giant.subsidiaries[10_000 % len(large.giant.subsidiaries)].tenant_id
    head = large.giant.parent.tenant_id
    admin_view = "SELECT tenant_id FROM tenancy.tenants ORDER BY tenant_id OFFSET 10000 LIMIT 1"
    async with large.as_api.transaction():
        await large.as_api.execute("SELECT tenancy.sign_in($1)", large.giant.parent.token)
        middle = await large.as_api.fetchval(admin_view)
    text, values = message(READS[name], own, (head, middle), large.giant.parent.token)
    plan = await explain(large.as_api, text, values, generic=generic)

    kinds = {node["Node Type"] for node in nodes(plan)}
    assert kinds <= {"Nested Loop", "CTE Scan", "Function Scan", "Subquery Scan", "Limit", "Index Scan", "Result"}, (
        kinds
    )
    [scan] = [node for node in nodes(plan) if node["Node Type"] == "Index Scan"]
    assert re.search(r"organization_id = ANY|tenant_id = ", scan["Index Cond"])
    assert scan["Actual Rows"] == expected_rows(name)
    assert scan.get("Rows Removed by Filter", 0) <= 1
    assert scan["Shared Hit Blocks"] + scan["Shared Read Blocks"] < TOO_MANY_BLOCKS


@pytest.mark.parametrize("name", READS)
async def test_a_foreign_and_an_absent_key_are_read_alike(large: LargeDatabase, name: str) -> None:
    """For a hidden and for an absent id or cursor, the same plan meets as many rows and conditions."""
    seen = []
    for tenant_id in (large.stranger.tenant_id, UUID(int=large.stranger.tenant_id.int ^ 1)):
        last = (tenant_id, tenant_id)
        text, values = message(READS[name], tenant_id, last, large.giant.subsidiaries[0].token)
        plan = await explain(large.as_api, text, values, generic=False)
        seen.append([(node["Node Type"], node["Actual Rows"], node["Actual Loops"]) for node in nodes(plan)])
    assert seen[0] == seen[1]
