"""How the policies are executed in a table of thousands: once a statement, as index conditions, the same for all ids.

The statements are the repository's, with the values written out.
"""

import json
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import URL

from tests.support.context import presenting
from tests.support.large_database import LargeDatabase, large_database

PAGE = "SELECT * FROM tenancy.tenants {where} ORDER BY organization_id, tenant_id LIMIT 101"
BY_ID = {
    "select": "SELECT * FROM tenancy.tenants WHERE tenant_id = '{id}'",
    "update": "UPDATE tenancy.tenants SET name = name WHERE tenant_id = '{id}' RETURNING *",
    "delete": "DELETE FROM tenancy.tenants WHERE tenant_id = '{id}' RETURNING tenant_id",
}
CASCADE = "DELETE FROM tenancy.tenants WHERE tenant_id = '{id}' OR organization_id = '{id}' RETURNING tenant_id"
EVENTS = "SELECT * FROM tenancy.tenant_events WHERE organization_id = '{organization}' AND tenant_id = '{id}'"
BLOCKS_OF_A_PAGE = 40
"""A hundred rows and their part of the index take 16; a page that reads the index from its beginning takes 120."""
POLICY = (
    "tenant_id >= ANY (ARRAY[(InitPlan 0).col1])",
    "tenant_id <= ANY (ARRAY[(InitPlan 0).col1])",
    "organization_id = ANY (ARRAY[(InitPlan 0).col1])",
)


@pytest.fixture(scope="module")
async def large(server_url: URL) -> AsyncIterator[LargeDatabase]:
    """Share one large database among the tests of this file."""
    async with large_database(server_url) as made:
        yield made


def shape(plan: list[str]) -> list[str]:
    """Return the plan without the id that was looked for and without the numbers of its InitPlans."""
    without_ids = (re.sub(r"'[0-9a-f-]{36}'::uuid", "?", line) for line in plan)
    return [re.sub(r"InitPlan \d+", "InitPlan 0", line) for line in without_ids]


def conditions(plan: list[str]) -> str:
    """Return the index conditions of a plan."""
    return "; ".join(line for line in shape(plan) if "Index Cond" in line)


@pytest.mark.parametrize("after", [None, "parent", "middle"])
async def test_a_page_is_a_scan_of_the_primary_key(large: LargeDatabase, after: str | None) -> None:
    """In an organisation of twenty thousand, a first and a later page read just their rows, in key order, unsorted."""
    head = large.giant.parent.tenant_id
    async with presenting(large.as_api, large.giant.parent.token):
        last = head
        if after == "middle":
            middle = "SELECT tenant_id FROM tenancy.tenants ORDER BY tenant_id OFFSET 10000 LIMIT 1"
            last = await large.as_api.fetchval(middle)
        page = PAGE.format(where=f"WHERE organization_id = '{head}' AND tenant_id > '{last}'" if after else "")
        plan = await large.explain(page, analyze=True)
        explained = await large.as_api.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {page}")

    scan = next(line for line in plan if "Index Scan using" in line)
    assert "tenants_pkey" in scan
    assert "(actual rows=101 " in scan or "(actual rows=101.00 " in scan
    assert all(part in conditions(plan) for part in POLICY)
    assert not re.search(r"Sort|Seq Scan|Bitmap|Rows Removed", "\n".join(plan))
    # Skipped index entries are neither rows nor filtered rows, but they are read.
    scanned = json.loads(explained[0][0])[0]["Plan"]["Plans"][-1]
    assert scanned["Node Type"] == "Index Scan"
    assert scanned["Shared Hit Blocks"] + scanned["Shared Read Blocks"] < BLOCKS_OF_A_PAGE


async def test_a_page_of_parents_reads_parents_alone(large: LargeDatabase) -> None:
    """A platform operator's page of heads skips the giant's twenty thousand subsidiaries by an index of heads."""
    async with presenting(large.as_api, large.operator_token, as_platform=True):
        plan = await large.explain(PAGE.format(where="WHERE parent_tenant_id IS NULL"))

    assert any("Index Scan using tenants_parents" in line for line in plan)
    assert not re.search(r"Sort|Seq Scan", "\n".join(plan))


async def test_a_platform_operators_page_is_a_scan_of_the_primary_key(large: LargeDatabase) -> None:
    """A platform operator's page, too, comes in key order without a sort."""
    async with presenting(large.as_api, large.operator_token, as_platform=True):
        plan = await large.explain(PAGE.format(where=""))

    assert any("Index Scan using tenants_pkey" in line for line in plan)
    assert not re.search(r"Sort|Seq Scan", "\n".join(plan))


async def test_a_subsidiarys_page_reads_its_own_row_alone(large: LargeDatabase) -> None:
    """In the giant's organisation, too, a subsidiary's page is one index scan that meets one row: its own."""
    async with presenting(large.as_api, large.giant.subsidiaries[0].token):
        plan = await large.explain(PAGE.format(where=""), analyze=True)

    scan = next(line for line in plan if "Index Scan using" in line)
    assert "tenants_pkey" in scan
    assert re.search(r"actual rows=1(\.00)? loops=1", scan)
    assert all(part in conditions(plan) for part in POLICY)
    assert not re.search(r"Sort|Seq Scan|Bitmap|Rows Removed", "\n".join(plan))


@pytest.mark.parametrize("statement", [PAGE.format(where=""), *BY_ID.values()], ids=["page", *BY_ID])
async def test_without_a_token_no_row_is_read(large: LargeDatabase, statement: str) -> None:
    """Without a token the same plan meets no row at all, whatever is asked."""
    async with presenting(large.as_api, None):
        plan = await large.explain(statement.format(id=large.stranger.tenant_id), analyze=True)

    scan = next(line for line in plan if "Index Scan using" in line)
    assert re.search(r"actual rows=0(\.00)? loops=1", scan)
    assert not re.search(r"Seq Scan|Bitmap|Rows Removed", "\n".join(plan))


@pytest.mark.parametrize("caller", ["parent", "subsidiary"])
async def test_the_events_of_a_tenant_are_an_index_condition(large: LargeDatabase, caller: str) -> None:
    """The audit trail's policy, too, is an interval of its primary key, asked once."""
    myself = large.giant.parent if caller == "parent" else large.giant.subsidiaries[0]
    own = large.giant.subsidiaries[0].tenant_id
    async with presenting(large.as_api, myself.token):
        plan = await large.explain(EVENTS.format(id=own, organization=large.giant.parent.tenant_id), analyze=True)

    assert any("Index Scan using tenant_events_pkey" in line for line in plan)
    assert all(part in conditions(plan) for part in POLICY)
    assert not re.search(r"Seq Scan|SubPlan", "\n".join(plan))


async def test_the_latest_events_are_read_by_index(large: LargeDatabase) -> None:
    """A platform operator's newest events are read from the end of an index."""
    async with presenting(large.as_api, large.operator_token, as_platform=True):
        plan = await large.explain("SELECT * FROM tenancy.tenant_events ORDER BY event_id DESC LIMIT 20")

    assert any("Index Scan Backward using tenant_events_event_id" in line for line in plan)
    assert not re.search(r"Sort|Seq Scan", "\n".join(plan))


@pytest.mark.parametrize("verb", BY_ID)
@pytest.mark.parametrize("caller", ["parent", "subsidiary"])
async def test_own_foreign_and_absent_ids_take_the_same_plan(large: LargeDatabase, caller: str, verb: str) -> None:
    """A lookup or write by id is one index condition that includes the policy's, whichever tenant has the id."""
    myself = large.giant.parent if caller == "parent" else large.giant.subsidiaries[0]
    own = large.giant.subsidiaries[0].tenant_id
    plans = []
    async with presenting(large.as_api, myself.token):
        for tenant_id in (own, large.stranger.tenant_id, uuid4()):
            plan = await large.explain(BY_ID[verb].format(id=tenant_id))
            assert all(part in conditions(plan) for part in ("tenant_id = ?", *POLICY))
            assert not re.search(r"Seq Scan|Bitmap", "\n".join(plan))
            plans.append(shape(plan))

    assert plans[0] == plans[1] == plans[2]


async def test_policy_functions_run_once_a_statement(large: LargeDatabase) -> None:
    """Each function of a policy is an InitPlan that runs once, for ten rows, for thousands, for none."""
    statements = {
        "SELECT * FROM tenancy.tenants": 4,
        "UPDATE tenancy.tenants SET name = name": 12,  # the policies of SELECT and UPDATE, and the check after
        **{BY_ID["select"].format(id=tenant_id): 4 for tenant_id in (large.stranger.tenant_id, uuid4())},
    }
    for statement, functions in statements.items():
        async with presenting(large.as_api, large.giant.parent.token):
            plan = await large.explain(statement, analyze=True)

        results = [after for line, after in pairwise(plan) if line.strip().startswith("InitPlan")]
        assert len(results) == functions
        once = [result for result in results if re.search(r"actual rows=1(\.00)? loops=1\)", result)]
        never = [result for result in results if "never executed" in result]
        # The last condition, on a single value, is asked only of rows within the interval of the key.
        assert len(once) + len(never) == functions, plan
        assert len(never) <= functions // 4, plan
        assert not [line for line in plan if "SubPlan" in line]


async def test_deleting_an_organisation_reads_no_other(large: LargeDatabase) -> None:
    """A cascading delete goes by index: the own reach for a parent, two index lookups for a platform operator."""
    async with presenting(large.as_api, large.giant.parent.token):
        plan = await large.explain(CASCADE.format(id=large.giant.parent.tenant_id))
        assert all(part in conditions(plan) for part in POLICY)
        assert not re.search(r"Seq Scan", "\n".join(plan))
    async with presenting(large.as_api, large.operator_token, as_platform=True):
        plan = await large.explain(CASCADE.format(id=large.stranger.tenant_id))
        assert "organization_id = ?" in conditions(plan)
        assert "tenant_id = ?" in conditions(plan)
        assert not re.search(r"Seq Scan", "\n".join(plan))


@pytest.mark.parametrize("verb", BY_ID)
async def test_a_platform_operator_finds_an_id_by_index(large: LargeDatabase, verb: str) -> None:
    """A platform operator's lookup or write by id is an index condition, not a scan of all organisations."""
    async with presenting(large.as_api, large.operator_token, as_platform=True):
        plan = await large.explain(BY_ID[verb].format(id=large.giant.subsidiaries[0].tenant_id))

    assert "Index Scan using tenants_tenant_id" in "\n".join(plan)
    assert "tenant_id = ?" in conditions(plan)


PROBES = ("tenant_id = '{id}'", "organization_id = '{id}' AND name >= 'S' AND name < 'T'", "tenant_id > '{id}'")


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("role", ["tenancy_api", "tenancy_platform"])
async def test_an_invalid_context_is_no_oracle(large: LargeDatabase, role: str, probe: str) -> None:
    """A context that is no live token is error 28000 whether or not a row matches, so it reveals nothing."""
    answers = []
    for tenant_id in (large.stranger.tenant_id, "ffffffff-ffff-ffff-ffff-ffffffffffff"):
        async with presenting(large.as_api, "no token"):
            await large.as_api.execute(f"SET LOCAL ROLE {role}")
            try:
                await large.as_api.execute(f"SELECT FROM tenancy.tenants WHERE {probe.format(id=tenant_id)}")
                answers.append("no rows")
            except asyncpg.InvalidAuthorizationSpecificationError:
                answers.append("28000")

    assert answers == ["28000", "28000"]
