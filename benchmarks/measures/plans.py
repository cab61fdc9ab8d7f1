"""Checks the plans of the service's statements: index scans, and policies evaluated once."""

import re
from itertools import pairwise
from typing import Any

import asyncpg

from benchmarks.data.caller import Caller
from benchmarks.data.database import PASSWORD, Database
from benchmarks.load.wrong_response import WrongResponseError

PAGE = "SELECT * FROM tenancy.tenants {where} ORDER BY organization_id, tenant_id LIMIT 21"
STATEMENTS = {
    "by id": "SELECT * FROM tenancy.tenants WHERE tenant_id = '{id}'",
    "foreign id": "SELECT * FROM tenancy.tenants WHERE tenant_id = '{foreign}'",
    "first page": PAGE.format(where=""),
    "later page": PAGE.format(where="WHERE {after_key}"),
    "update": "UPDATE tenancy.tenants SET name = name WHERE tenant_id = '{id}' RETURNING *",
    "delete": "DELETE FROM tenancy.tenants WHERE tenant_id = '{id}' RETURNING tenant_id",
    "events": "SELECT * FROM tenancy.tenant_events WHERE organization_id = '{organization}' AND tenant_id = '{id}'",
}
AFTER_KEY = "organization_id = '{organization}' AND tenant_id > '{id}'"
AFTER_KEY_IN_ALL = "organization_id >= '{organization}' AND (organization_id, tenant_id) > ('{organization}', '{id}')"
"""The repository's condition for callers who reach many organisations."""
UNWANTED = re.compile(r"Seq Scan|\bSort\b|SubPlan")


async def check_plans(database: Database, caller: Caller, stranger: Caller) -> list[dict[str, Any]]:
    """Explain every statement as every kind of caller; return the used indexes and the number of buffers.

    Raises WrongResponseError for a bad plan.
    Everything is rolled back, since EXPLAIN ANALYZE executes the statements.
    """
    member = caller.subsidiaries[len(caller.subsidiaries) // 2]
    values = {"id": member, "foreign": stranger.subsidiaries[0], "organization": caller.tenant_id}
    tokens = {
        "parent": caller.token,
        "subsidiary": await database.token_of(caller.tenant_id, member),
        "platform operator": await database.operator_token(),
        "no token": "",
    }
    found = []
    connection = await asyncpg.connect(database.url("tenancy_api", PASSWORD))
    try:
        for who, token in tokens.items():
            after_key = AFTER_KEY_IN_ALL if who == "platform operator" else AFTER_KEY
            for what, statement in STATEMENTS.items():
                explained = statement.format(after_key=after_key.format(**values), **values)
                await _explain(connection, who, token, explained)  # the first call of a function reads the catalogue
                plan = await _explain(connection, who, token, explained)
                if defect := plan_defect(plan):
                    raise WrongResponseError(f"{who}, {what}: {defect}\n" + "\n".join(plan))
                indexes = sorted(set(re.findall(r"Index (?:Only )?Scan (?:using|on) (\w+)", "\n".join(plan))))
                key = {"caller": who, "statement": what}
                found.append({**key, "indexes": ", ".join(indexes), "buffers": buffers_of(plan)})
    finally:
        await connection.close()
    return found


def plan_defect(plan: list[str]) -> str | None:
    """Return the defect of an analysed plan, or None."""
    if bad := [line.strip() for line in plan if UNWANTED.search(line)]:
        return f"it has {bad}"
    for line, result in pairwise(plan):
        is_once = re.search(r"loops=1\)|never executed", result)
        if line.strip().startswith("InitPlan") and not is_once:
            return f"a function of a policy runs more than once: {result.strip()}"
    return None


def buffers_of(plan: list[str]) -> int:
    """Return how many buffers a statement accessed, which does not depend on the machine's load."""
    whole = next((line for line in plan if "Buffers:" in line), "")
    return sum(map(int, re.findall(r"(?:hit|read)=(\d+)", whole)))


async def _explain(connection: asyncpg.Connection, who: str, token: str, statement: str) -> list[str]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("SELECT set_config('app.current_tenant', $1, true)", token)
        if who == "platform operator":
            await connection.execute("SET LOCAL ROLE tenancy_platform")
        rows = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) {statement}")
        return [row[0] for row in rows]
    finally:
        await transaction.rollback()
