"""The plans of the service's statements, at the size of the database at hand: by index, policies asked once."""

import re
from itertools import pairwise
from typing import Any

import asyncpg

from benchmarks.data.caller import Caller
from benchmarks.data.database import PASSWORD, Database
from benchmarks.load.wrong_answer import WrongAnswerError

PAGE = "SELECT * FROM tenancy.tenants {where} ORDER BY organization_id, tenant_id LIMIT 21"
STATEMENTS = {
    "by id": "SELECT * FROM tenancy.tenants WHERE tenant_id = '{id}'",
    "foreign id": "SELECT * FROM tenancy.tenants WHERE tenant_id = '{foreign}'",
    "first page": PAGE.format(where=""),
    "later page": PAGE.format(where="WHERE {behind}"),
    "update": "UPDATE tenancy.tenants SET name = name WHERE tenant_id = '{id}' RETURNING *",
    "delete": "DELETE FROM tenancy.tenants WHERE tenant_id = '{id}' RETURNING tenant_id",
    "events": "SELECT * FROM tenancy.tenant_events WHERE organization_id = '{organization}' AND tenant_id = '{id}'",
}
AFTER_KEY = "organization_id = '{organization}' AND tenant_id > '{id}'"
BEHIND_IN_ALL = "organization_id >= '{organization}' AND (organization_id, tenant_id) > ('{organization}', '{id}')"
"""For whoever reaches many organisations, as the repository says it."""
UNWANTED = re.compile(r"Seq Scan|\bSort\b|SubPlan")


async def check_plans(database: Database, caller: Caller, stranger: Caller) -> list[dict[str, Any]]:
    """Explain every statement as every kind of caller; return the indexes used and how many buffers were touched.

    Raises WrongAnswerError for a bad plan.
    Everything is rolled back, since EXPLAIN ANALYZE carries statements out.
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
            behind = BEHIND_IN_ALL if who == "platform operator" else AFTER_KEY
            for what, statement in STATEMENTS.items():
                explained = statement.format(behind=behind.format(**values), **values)
                await _explain(connection, who, token, explained)  # at its first call a function reads the catalogue
                plan = await _explain(connection, who, token, explained)
                if complaint := complaint_about(plan):
                    raise WrongAnswerError(f"{who}, {what}: {complaint}\n" + "\n".join(plan))
                indexes = sorted(set(re.findall(r"Index (?:Only )?Scan (?:using|on) (\w+)", "\n".join(plan))))
                asked = {"caller": who, "statement": what}
                found.append({**asked, "indexes": ", ".join(indexes), "buffers": buffers_of(plan)})
    finally:
        await connection.close()
    return found


def complaint_about(plan: list[str]) -> str | None:
    """Tell what is wrong with an analysed plan, if anything is."""
    if bad := [line.strip() for line in plan if UNWANTED.search(line)]:
        return f"it has {bad}"
    for line, result in pairwise(plan):
        is_once = re.search(r"loops=1\)|never executed", result)
        if line.strip().startswith("InitPlan") and not is_once:
            return f"a function of a policy runs more than once: {result.strip()}"
    return None


def buffers_of(plan: list[str]) -> int:
    """Return how many buffers a statement touched: a measure that no busy machine disturbs."""
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
