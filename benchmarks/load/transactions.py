"""The database without a service: transactions in a loop, on asyncpg connections."""

import asyncio
import time
from collections.abc import Sequence
from itertools import cycle
from typing import Any, NamedTuple

import asyncpg
import uvloop

from benchmarks.load.batch import Batch
from benchmarks.load.wrong_response import WrongResponseError


class Transaction(NamedTuple):
    """BEGIN, the context, the query, COMMIT; without a context the query alone, which presents it.

    The query must return `rows` rows, the first with `first` in `column`.
    """

    context: str
    context_values: Sequence[Any]
    query: str
    values: Sequence[Any]
    rows: int
    first: Any
    column: int = 0


def run_transactions(
    url: str, transactions: Sequence[Transaction], connections: int, seconds: float
) -> tuple[Batch, float]:
    """Repeat the transactions on every connection; return the batch and the query's own p95 in ms."""
    return asyncio.run(_run(url, transactions, connections, seconds), loop_factory=uvloop.new_event_loop)


async def _run(url: str, transactions: Sequence[Transaction], connections: int, seconds: float) -> tuple[Batch, float]:
    whole: list[float] = []
    queries: list[float] = []
    opened = [await asyncpg.connect(url) for _ in range(connections)]
    try:
        # Warm-up: every statement is prepared on every connection, and its plan is chosen.
        await asyncio.gather(*(_loop(one, transactions, time.perf_counter() + 0.3, [], []) for one in opened))
        cpu, begin = time.process_time(), time.perf_counter()
        await asyncio.gather(*(_loop(one, transactions, begin + seconds, whole, queries) for one in opened))
        lasted, cpu = time.perf_counter() - begin, time.process_time() - cpu
    finally:
        for connection in opened:
            await connection.close()
    whole.sort()
    queries.sort()

    def percentile(ordered: list[float], percent: int) -> float:
        return 1_000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]

    responses = len(whole)
    p50, p95, p99 = (percentile(whole, percent) for percent in (50, 95, 99))
    batch = Batch(responses, responses, lasted, responses / lasted, p50, p95, p99, cpu, cpu / lasted)
    return batch, percentile(queries, 95)


async def _loop(
    connection: asyncpg.Connection,
    transactions: Sequence[Transaction],
    end: float,
    whole: list[float],
    queries: list[float],
) -> None:
    for context, context_values, query, values, count, first, column in cycle(transactions):
        begin = sent = time.perf_counter()
        if begin > end:
            return
        if context:
            async with connection.transaction():
                await connection.fetch(context, *context_values)
                sent = time.perf_counter()
                rows = await connection.fetch(query, *values)
                received = time.perf_counter()
        else:
            rows = await connection.fetch(query, *values)
            received = time.perf_counter()
        whole.append(time.perf_counter() - begin)
        queries.append(received - sent)
        if len(rows) != count or rows[0][column] != first:
            raise WrongResponseError(f"{query} {values}: {len(rows)} rows, expected {count}")
