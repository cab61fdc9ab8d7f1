"""Asks every question of every table."""

import json
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import asyncpg

from benchmarks.data.caller import Caller
from benchmarks.data.database import PASSWORD, Database
from benchmarks.load.wrong_response import WrongResponseError
from benchmarks.partitions.answer import Answer
from benchmarks.partitions.question import OPERATOR, QUESTIONS, Question

EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
PLANS = 7
TIMES = 200
"""Executions of the prepared statement; PostgreSQL decides about a generic plan after the first five."""


async def ask(database: Database, caller: Caller, partitions: int, table: str) -> list[Answer]:
    """Return the cost of all questions; raises WrongResponseError when a number of rows is wrong."""
    tokens = {OPERATOR: await database.operator_token()}
    connection = await asyncpg.connect(database.url("tenancy_api", PASSWORD))
    answers = []
    try:
        for question in QUESTIONS:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("SELECT tenancy.sign_in($1)", tokens.get(question.caller, caller.token))
            if question.caller == OPERATOR:
                await connection.execute("SET LOCAL ROLE tenancy_platform")
            answers.append(await _ask(connection, caller, partitions, table, question))
            await transaction.rollback()
    finally:
        await connection.close()
    return answers


async def _ask(
    connection: asyncpg.Connection, caller: Caller, partitions: int, table: str, question: Question
) -> Answer:
    values = {"tenant_id": caller.subsidiaries[5], "organization_id": caller.tenant_id}
    text = question.text.format(table=table, **{name: f"'{value}'" for name, value in values.items()})
    plans = [json.loads(await connection.fetchval(EXPLAIN + text))[0] for _ in range(PLANS)]

    used = [name for name in values if f"{{{name}}}" in question.text]
    parameters = {name: f"${number}" for number, name in enumerate(used, 1)}
    prepared = await connection.prepare(question.text.format(table=table, **parameters))
    times = []
    for _ in range(TIMES):
        begin = perf_counter()
        rows = await prepared.fetch(*(values[name] for name in used))
        times.append(perf_counter() - begin)
        if len(rows) != question.rows:
            raise WrongResponseError(f"{question.caller}, {text}: {len(rows)} rows instead of {question.rows}")
    plan = plans[-1]["Plan"]
    return Answer(
        partitions,
        question.caller,
        question.what,
        executed=len(scanned(plan)),
        buffers=plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
        planning=min(one["Planning Time"] for one in plans),
        prepared=min(times) * 1_000,
    )


def scanned(plan: dict[str, Any]) -> set[str]:
    """Return the tables whose scan a plan executed."""
    return {node["Relation Name"] for node in _nodes(plan) if "Scan" in node["Node Type"] and node["Actual Loops"]}


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
