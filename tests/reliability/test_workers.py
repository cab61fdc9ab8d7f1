"""Two worker processes: nobody can tell, not even while they are replaced."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from multi_tenant_db.development import EmbeddedPostgres
from tests.reliability.support.calls import call, call_on, path_of
from tests.reliability.support.judgement import judge
from tests.reliability.support.load import under_load
from tests.reliability.support.pauses import Pauses
from tests.reliability.support.service import Service, serving
from tests.reliability.support.until import until
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.test_database import TestDatabase
from tests.support.wire_channel import WireChannel

pytestmark = pytest.mark.exhaustive

RACES = 20
SECONDS_TO_START = 60


@pytest.fixture(scope="module")
async def pair(fragile: TestDatabase) -> AsyncIterator[Service]:
    """Run a service of two workers."""
    async with serving(fragile, workers=2, pool_size=5, log_level="info") as service:

        async def both_serve() -> bool:
            return service.log.count("Application startup complete") == 2

        await until(both_serve, "both workers serve", SECONDS_TO_START)
        yield service


@contextmanager
def frozen(process_id: int) -> Iterator[None]:
    """Freeze a worker, so that whoever connects meanwhile gets the other."""
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)


@asynccontextmanager
async def a_line_to_each(service: Service, party: Party) -> AsyncIterator[tuple[WireChannel, WireChannel]]:
    """Connect to each of the two workers."""
    lines = WireChannel(service.port), WireChannel(service.port)
    for line, other in zip(lines, reversed(service.workers), strict=True):
        with frozen(other):
            assert (await call_on(line, "GET", path_of(party), party)).status == 200
    yield lines
    for line in lines:
        await line.close()


async def test_a_write_through_one_is_seen_through_the_other(pair: Service, bank: Organization) -> None:
    """What one worker has acknowledged, the other shows at once."""
    tenant = bank.subsidiaries[0]
    async with a_line_to_each(pair, bank.parent) as lines:
        for number in range(RACES):
            writing, reading = lines if number % 2 else reversed(lines)
            body = {"name": tenant.name, "metadata": {"number": number}}
            written = await call_on(writing, "PUT", path_of(tenant), bank.parent, body)
            read = await call_on(reading, "GET", path_of(tenant), bank.parent)
            assert written.status == 200
            assert (read.json()["metadata"], read.header("etag")) == ({"number": number}, written.header("etag"))


async def test_of_two_changes_through_two_workers_one_wins(pair: Service, bank: Organization) -> None:
    """Of two changes that name the same entity tag, one through each worker, exactly one happens."""
    tenant = bank.subsidiaries[0]
    async with a_line_to_each(pair, bank.parent) as lines:
        for version in range(1, RACES + 1):
            changes = [
                call_on(
                    line,
                    "PUT",
                    path_of(tenant),
                    bank.parent,
                    {"name": tenant.name, "metadata": {"through": number}},
                    if_match=f'"{version}"',
                )
                for number, line in enumerate(lines)
            ]
            answers = await asyncio.gather(*changes)
            assert sorted(answer.status for answer in answers) == [200, 412]


async def test_a_key_used_through_both_workers_creates_one_tenant(pair: Service, bank: Organization) -> None:
    """The same creation through both workers at once is answered twice and carried out once."""
    async with a_line_to_each(pair, bank.parent) as lines:
        for number in range(RACES):
            body = {
                "name": f"{bank.parent.name} race {number}",
                "tenant_type": "subsidiary",
                "parent_tenant_id": str(bank.parent.tenant_id),
            }
            key = f"race-{number}"
            answers = await asyncio.gather(
                *(call_on(line, "POST", "/tenants", bank.parent, body, idempotency_key=key) for line in lines)
            )
            assert [answer.status for answer in answers] == [201, 201]
            assert answers[0].json() == answers[1].json()


async def test_workers_are_replaced_without_losing_a_request(fragile: TestDatabase, pair: Service) -> None:
    """On SIGHUP under load both workers are replaced, and every request that was sent is answered as always."""
    before = set(pair.workers)

    async def all_are_new() -> bool:
        return len(pair.workers) == 2 and not before & set(pair.workers)

    async with under_load(fragile, pair.port, pauses=Pauses(think=0.02)) as load:
        await asyncio.sleep(0.5)
        pair.send(signal.SIGHUP)
        await until(all_are_new, "both workers are replaced", 2 * SECONDS_TO_START)
        await asyncio.sleep(0.5)
    judgement = await judge(fragile, load)
    assert not judgement.complaints
    assert judgement.acknowledged == judgement.found > 0
    assert [answer for answer in load.history.answers if not answer.is_right] == []


async def test_a_worker_that_dies_while_the_database_is_away_is_replaced(
    server: EmbeddedPostgres, pair: Service, bank: Organization
) -> None:
    """Without a database a new worker waits for it, rather than to take the whole service down."""
    victim = pair.workers[0]
    await asyncio.to_thread(server.stop)
    try:
        os.kill(victim, signal.SIGKILL)

        async def another_waits() -> bool:
            return "waiting for the database" in pair.log

        await until(another_waits, "a new worker waits for the database", SECONDS_TO_START)
    finally:
        await asyncio.to_thread(server.start)

    async def both_serve() -> bool:
        started = [f"Started server process [{worker}]" in pair.log for worker in pair.workers]
        return started == [True, True] and victim not in pair.workers

    await until(both_serve, "both workers serve", SECONDS_TO_START)
    assert (await call(pair.port, "GET", path_of(bank.parent), bank.parent)).status == 200
    assert pair.is_running
