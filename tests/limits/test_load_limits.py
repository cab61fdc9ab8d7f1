"""More requests than the service takes on: turned away at once, never queued without end; health keeps answering."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from time import perf_counter

import asyncpg
import pytest

from tests.reliability.support.until import until
from tests.support.locked_row import locked_row
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.served_process import ServedProcess, served
from tests.support.test_database import TestDatabase
from tests.support.threads import in_thread
from tests.support.wire import Wire
from tests.support.wire_answer import WireAnswer
from tests.support.wire_problems import check_problem

AT_ONCE = 1.5
"""Seconds in which what needs no waiting is answered, on a busy machine; a lock is waited for longer."""


@pytest.fixture(scope="module")
def few_requests(database: TestDatabase) -> Iterator[ServedProcess]:
    """Serve at most three requests at once."""
    with served(database, max_concurrent_requests=3, pool_size=5) as service:
        yield service


@pytest.fixture(scope="module")
def few_connections(database: TestDatabase) -> Iterator[ServedProcess]:
    """Serve with two connections to the database, and half a second to wait for one."""
    with served(database, pool_size=2, pool_timeout_seconds=0.5) as service:
        yield service


async def ask(service: ServedProcess, method: str, party: Party | None, path: str = "/tenants") -> WireAnswer:
    """Send a request over a connection of its own; a PUT renames the party itself."""

    def exchange() -> WireAnswer:
        with Wire(service.port) as wire:
            body = {"name": "Busy", "metadata": {}} if method == "PUT" else None
            return wire.ask(method, path, party, json_body=body)

    return await in_thread(exchange)


@asynccontextmanager
async def busy_with(
    service: ServedProcess, as_admin: asyncpg.Connection, party: Party, requests: int
) -> AsyncIterator[list[asyncio.Task[WireAnswer]]]:
    """Keep the service busy with that many requests that wait for one row."""
    async with locked_row(as_admin, party):
        path = f"/tenants/{party.tenant_id}"
        tasks = [asyncio.create_task(ask(service, "PUT", party, path)) for _ in range(requests)]
        await until(partial(all_wait, as_admin, requests), f"{requests} requests wait for the row")
        yield tasks


async def all_wait(as_admin: asyncpg.Connection, requests: int) -> bool:
    """Return whether so many transactions wait for a lock."""
    return bool(await as_admin.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") >= requests)


@pytest.mark.exhaustive
async def test_beyond_the_limit_requests_are_turned_away_at_once(
    few_requests: ServedProcess, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """The fourth request gets a 503 with Retry-After without waiting; the three get their answers, and then all do."""
    async with busy_with(few_requests, as_admin, hsbc.parent, 3) as tasks:
        began = perf_counter()
        turned_away = await asyncio.gather(*(ask(few_requests, "GET", barclays.parent) for _ in range(20)))
        assert perf_counter() - began < AT_ONCE
        for answer in turned_away:
            check_problem(answer, 503, "service_overloaded")
            assert answer.header("retry-after") == "1"
        assert not any(task.done() for task in tasks)
    assert {answer.status for answer in await asyncio.gather(*tasks)} == {200}
    assert (await ask(few_requests, "GET", barclays.parent)).status == 200


async def test_health_answers_while_others_are_turned_away(
    few_requests: ServedProcess, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """Who restarts unhealthy services must not mistake a busy one for a dead one."""
    async with busy_with(few_requests, as_admin, hsbc.parent, 3) as tasks:
        began = perf_counter()
        answer = await ask(few_requests, "GET", None, "/health")
        assert (answer.status, answer.json()["status"]) == (200, "healthy")
        assert perf_counter() - began < AT_ONCE
    await asyncio.gather(*tasks)


async def test_a_place_is_given_back_however_a_request_ends(
    few_requests: ServedProcess, hsbc: Organization, barclays: Organization
) -> None:
    """Successes, refusals, errors and clients that hang up all leave: later as many requests fit as before."""
    for _ in range(10):
        await ask(few_requests, "GET", hsbc.parent)
        await ask(few_requests, "GET", None)
        await ask(few_requests, "GET", hsbc.parent, f"/tenants/{barclays.parent.tenant_id}")
        await ask(few_requests, "PATCH", hsbc.parent)
        with Wire(few_requests.port) as wire:
            wire._socket.sendall(b"POST /tenants HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            wire._socket.sendall(b"Content-Length: 9\r\n\r\n{")
    await asyncio.sleep(0.2)
    answers = await asyncio.gather(*(ask(few_requests, "GET", hsbc.parent) for _ in range(3)))
    assert [answer.status for answer in answers] == [200] * 3


@pytest.mark.exhaustive
async def test_an_exhausted_pool_is_waited_for_within_bounds(
    few_connections: ServedProcess, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """With every connection busy, the next requests wait half a second and get a 503 with Retry-After, not a hang."""
    async with busy_with(few_connections, as_admin, hsbc.parent, 2) as tasks:
        began = perf_counter()
        answers = await asyncio.gather(*(ask(few_connections, "GET", barclays.parent) for _ in range(10)))
        seconds = perf_counter() - began
        for answer in answers:
            check_problem(answer, 503, "database_unavailable")
            assert answer.header("retry-after") == "1"
        assert 0.5 <= seconds < 0.5 + 2 * AT_ONCE
    assert Counter(answer.status for answer in await asyncio.gather(*tasks)) == {200: 2}
    assert (await ask(few_connections, "GET", barclays.parent)).status == 200


async def test_health_needs_none_of_the_pools_connections(
    few_connections: ServedProcess, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """While all connections are busy, health is asked over another, and tells the truth: the database answers."""
    async with busy_with(few_connections, as_admin, hsbc.parent, 2) as tasks:
        answers = await asyncio.gather(*(ask(few_connections, "GET", None, "/health") for _ in range(10)))
        assert {(answer.status, answer.json()["database"]) for answer in answers} == {(200, "connected")}
    await asyncio.gather(*tasks)
