"""Failovers under eight clients that only create, on a service of two workers with its default settings."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from time import monotonic

from tests.reliability.long.failover_case import FailoverCase
from tests.reliability.long.failover_record import FailoverRecord
from tests.reliability.support.failovers import (
    exchange_roles,
    freeze_and_promote,
    kill_and_promote,
    kill_unreplicated_and_promote,
    lose_the_standby,
    promote_beside,
    stop_and_promote,
)
from tests.reliability.support.judgement import judge
from tests.reliability.support.load import Load, under_load
from tests.reliability.support.replicated_database import URLS, on, replicated_database
from tests.reliability.support.service import serving
from tests.reliability.support.until import until

SECONDS_BEFORE = 2.0
SECONDS_AFTER = 3.0
SECONDS_TO_WAIT = 60.0
GOAL_SECONDS = 1.0
GOAL_SECONDS_SILENT = 15.0
CREATORS = 8
WORKERS = 2

CASES = (
    FailoverCase("primary killed (SIGKILL)", kill_and_promote, GOAL_SECONDS),
    FailoverCase("primary stopped", stop_and_promote, GOAL_SECONDS),
    FailoverCase("primary frozen (SIGSTOP)", freeze_and_promote, GOAL_SECONDS_SILENT),
    FailoverCase("primary stopped, back as the standby", exchange_roles, GOAL_SECONDS),
    FailoverCase("primary killed, standby 1 s behind", kill_unreplicated_and_promote, GOAL_SECONDS),
    FailoverCase("standby stopped for 5 s", lose_the_standby, GOAL_SECONDS_SILENT, survivor=0),
    FailoverCase("promoted beside a living primary", promote_beside, None),
    FailoverCase("primary killed (SIGKILL)", kill_and_promote, GOAL_SECONDS, synchronous=False),
    FailoverCase("primary killed, standby 1 s behind", kill_unreplicated_and_promote, GOAL_SECONDS, synchronous=False),
    FailoverCase("promoted beside a living primary", promote_beside, None, synchronous=False),
)


async def failover_rounds(rounds: int, pace: float) -> AsyncIterator[FailoverRecord]:
    """Give each case's record after each of its rounds; a pace below 1 shortens them."""
    for case in CASES:
        record = FailoverRecord(case.what, case.replication)
        for number in range(rounds):
            await _one_round(case, record, list(URLS)[number % len(URLS)], pace)
            yield record


async def _one_round(case: FailoverCase, record: FailoverRecord, form: str, pace: float) -> None:
    async with replicated_database(synchronous=case.synchronous) as (servers, database):
        url = URLS[form](database, servers)
        async with serving(database, workers=WORKERS, database_url=url) as service:
            processes = service.workers
            async with under_load(database, service.port, writers=0, operators=0, creators=CREATORS) as load:
                await asyncio.sleep(SECONDS_BEFORE * pace)
                begin = monotonic()
                asked = await case.inflict(*servers)
                record.all_created.append(await _wait_until_all_create(load, asked))
                await asyncio.sleep(SECONDS_AFTER * pace)
            if service.workers != processes:
                record.complaints.append(f"{case.what}: a worker was replaced")
        judgement = await judge(on(servers[case.survivor], database), load, may_lose=not case.synchronous)
    first = min(_creations_after(load, asked), default=float("inf"))
    record.rounds += 1
    record.seen += load.history.seen_between(begin, asked + record.all_created[-1])
    record.first_created.append(first)
    record.acknowledged += judgement.acknowledged
    record.found += judgement.found
    record.repeated += judgement.repeated
    record.complaints += judgement.complaints
    if case.goal is not None and first > case.goal:
        record.complaints.append(f"{case.what}: the next 201 came after {first:.2f} s, the goal is {case.goal:g} s")


def _creations_after(load: Load, moment: float) -> list[float]:
    """Return how many seconds after the moment each 201 arrived."""
    return [
        answer.ended - moment
        for answer in load.history.answers
        if answer.status == HTTPStatus.CREATED and answer.ended >= moment
    ]


async def _wait_until_all_create(load: Load, moment: float) -> float:
    """Return how many seconds after the moment the last client had its next 201."""
    before = [len(worker.recorder.acknowledged) for worker in load.workers]

    async def all_create() -> bool:
        return all(
            len(worker.recorder.acknowledged) > count for worker, count in zip(load.workers, before, strict=True)
        )

    await until(all_create, "every client creates again", SECONDS_TO_WAIT)
    return monotonic() - moment
