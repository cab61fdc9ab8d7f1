"""Partitions by organisation: the policies of the schema prune them, and the report says what was scanned."""

from collections.abc import AsyncIterator

import pytest

from benchmarks.data.database import Database
from benchmarks.data.server import running_server
from benchmarks.load.wrong_response import WrongResponseError
from benchmarks.partitions import report
from benchmarks.partitions.answer import Answer
from benchmarks.partitions.measure import ask, scanned
from benchmarks.partitions.partitioned_table import add_partitioned_copy
from benchmarks.partitions.question import OPERATOR, PARENT

PARTITIONS = 4


@pytest.fixture
async def partitioned() -> AsyncIterator[Database]:
    """Give a database of its own: beside an unprotected copy of the tenants no service starts."""
    with running_server() as server:
        async with Database(server, "partitioned") as database:
            yield database


async def test_a_tenants_statements_scan_one_partition(partitioned: Database) -> None:
    """By the policies alone, without naming the organisation; an operator's scan all, unless they name it."""
    parents = await partitioned.add_organizations(20, 10)
    callers = await partitioned.callers(parents)
    table = await add_partitioned_copy(partitioned.admin, PARTITIONS)
    one, another = [await ask(partitioned, caller, PARTITIONS, table) for caller in callers[:2]]
    for answers in (one, another):
        assert {(answer.caller, answer.what): answer.executed for answer in answers} == {
            (PARENT, "read by id"): 1,
            (PARENT, "page"): 1,
            (PARENT, "update by id"): 1,
            (OPERATOR, "read by id"): PARTITIONS,
            (OPERATOR, "read by id and organisation"): 1,
            (OPERATOR, "page"): PARTITIONS,
        }
    with pytest.raises(WrongResponseError, match="0 rows instead of 1"):
        await ask(partitioned, callers[0], PARTITIONS, await _emptied_copy(partitioned))


async def _emptied_copy(database: Database) -> str:
    table = await add_partitioned_copy(database.admin, 1)
    await database.admin.execute(f"DELETE FROM {table}")
    return table


def test_only_executed_scans_count() -> None:
    """A partition that was pruned at run time is in the plan, with no loops."""
    plan = {
        "Node Type": "Append",
        "Actual Loops": 1,
        "Plans": [
            {"Node Type": "Index Scan", "Relation Name": "first", "Actual Loops": 0},
            {"Node Type": "Index Scan", "Relation Name": "second", "Actual Loops": 1},
        ],
    }
    assert scanned(plan) == {"second"}


def test_the_table_has_a_row_for_each_statement() -> None:
    """Partitioned and not partitioned stand side by side."""
    answers = [Answer(size, PARENT, "page", size or 1, 7, 0.5, 0.25) for size in (0, 16)]
    assert report.rows(answers)[1] == ["parent", "page", "1", "7", "0.50", "0.25", "16", "7", "0.50", "0.25"]
