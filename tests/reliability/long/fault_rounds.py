"""Every fault several times, under load, on a service with its default settings."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic

from multi_tenant_db.development import EmbeddedPostgres
from tests.reliability.long.fault_record import FaultRecord
from tests.reliability.support.connections import count_settled_connections
from tests.reliability.support.faults import FAULTS
from tests.reliability.support.judgement import judge
from tests.reliability.support.load import under_load
from tests.reliability.support.service import Service, serving
from tests.reliability.support.until import until
from tests.support.test_database import TestDatabase

SECONDS_DOWN = {"stopped": 5.0, "killed with SIGKILL": 2.0, "frozen": 20.0, "connections terminated": 3.0}
SECONDS_BEFORE = 2.0
SECONDS_AFTER = 5.0
GOAL_SECONDS = 2.0
WORKERS = 2

Inflict = Callable[[], Awaitable[float]]


def names_of_faults() -> list[str]:
    """Return every fault, in the order of the table."""
    return [f"PostgreSQL {name}" for name in FAULTS] + ["each worker killed with SIGKILL", "workers replaced (SIGHUP)"]


async def fault_rounds(
    server: EmbeddedPostgres, database: TestDatabase, rounds: int, pace: float
) -> AsyncIterator[FaultRecord]:
    """Give each fault's record after each of its rounds; a pace below 1 shortens them."""
    async with serving(database, workers=WORKERS, log_level="info") as service:
        await _all_serve(service, set())
        for name, fault in zip(names_of_faults(), [*FAULTS, "kill", "replace"], strict=True):
            record = FaultRecord(name)
            for _ in range(rounds):
                await _one_round(database, service, record, _inflicting(server, service, fault, pace), pace)
                yield record


def _inflicting(server: EmbeddedPostgres, service: Service, fault: str, pace: float) -> Inflict:
    if fault == "kill":
        return lambda: _kill_workers(service)
    if fault == "replace":
        return lambda: _replace_workers(service)
    return lambda: FAULTS[fault](server, SECONDS_DOWN.get(fault, 0) * pace)


async def _one_round(
    database: TestDatabase, service: Service, record: FaultRecord, inflict: Inflict, pace: float
) -> None:
    async with under_load(database, service.port, writers=18, operators=2) as load:
        await asyncio.sleep(SECONDS_BEFORE * pace)
        begin = monotonic()
        back = await inflict()
        await asyncio.sleep(max(1.0, SECONDS_AFTER * pace))
    judgement = await judge(database, load)
    history = load.history
    record.rounds += 1
    record.seen += history.seen_between(begin, back)
    record.recoveries.append(history.first_right_after(back) or float("inf"))
    record.last_failures.append(history.last_failure_after(back))
    record.acknowledged += judgement.acknowledged
    record.found += judgement.found
    record.most_connections = max(record.most_connections, await count_settled_connections(database))
    outside = history.failures_outside(begin, back + GOAL_SECONDS)
    record.complaints += judgement.complaints + [f"a failure outside the fault: {answer}" for answer in outside]


async def _kill_workers(service: Service) -> float:
    """Kill each of the workers, the next when another serves in the place of the last."""
    for worker in service.workers:
        os.kill(worker, signal.SIGKILL)
        await _all_serve(service, {worker})
    return monotonic()


async def _replace_workers(service: Service) -> float:
    """Have all workers replaced, one after the other."""
    before = set(service.workers)
    service.send(signal.SIGHUP)
    await _all_serve(service, before)
    return monotonic()


async def _all_serve(service: Service, gone: set[int]) -> None:
    async def all_serve() -> bool:
        workers, log = set(service.workers), service.log
        return len(workers - gone) == WORKERS == len(workers) and all(
            f"Started server process [{worker}]" in log for worker in workers
        )

    await until(all_serve, "every worker serves", 120)
    await asyncio.sleep(0.5)
