"""The count of an organisation's subsidiaries reads its part of one index, and no further than the quota."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from sqlalchemy import URL

from tests.support.context import presenting
from tests.support.large_database import LargeDatabase, large_database

COUNT = """
    FROM tenancy.tenants AS subsidiary
    WHERE subsidiary.organization_id = organization
      AND subsidiary.parent_tenant_id = organization
    OFFSET maximum
    LIMIT 1
"""
KEEP = "SELECT prosrc FROM pg_proc WHERE proname = 'keep_quotas'"


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


@pytest.mark.parametrize("caller", ["parent", "platform operator"])
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_the_count_is_an_index_scan_that_stops(large: LargeDatabase, mode: str, caller: str) -> None:
    """With twenty thousand subsidiaries and a quota of a hundred, 101 entries of tenants_subsidiaries are read."""
    assert " ".join(COUNT.split()) in " ".join((await large.as_api.fetchval(KEEP)).split())
    statement = COUNT.replace("= organization", "= $1::uuid").replace("OFFSET maximum", "OFFSET $2::integer")
    is_operator = caller != "parent"
    token = large.operator_token if is_operator else large.giant.parent.token
    async with presenting(large.as_api, token, as_platform=is_operator):
        await large.as_api.execute(f"SET LOCAL plan_cache_mode = {mode}")
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT {statement}"
        explained = await large.as_api.fetchval(explain, large.giant.parent.tenant_id, 100)
    found = list(nodes(json.loads(explained)[0]["Plan"]))
    kinds = {node["Node Type"] for node in found}
    assert kinds <= {"Limit", "Index Only Scan", "Index Scan", "Result"}, kinds
    [scan] = [node for node in found if "Index" in node["Node Type"]]
    assert scan["Index Name"] == "tenants_subsidiaries"
    assert scan["Actual Rows"] == 101
    assert scan.get("Rows Removed by Filter", 0) == 0
