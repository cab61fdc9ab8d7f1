"""Clients that dawdle, and work that takes too long: each waits for a bounded time and is told what happened."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from time import perf_counter

import asyncpg
import pytest

from tests.support.locked_row import locked_row
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.served_process import ServedProcess, served
from tests.support.test_database import TestDatabase
from tests.support.threads import in_thread
from tests.support.wire import Wire
from tests.support.wire_answer import WireAnswer, compose
from tests.support.wire_problems import check_problem

BODY_SECONDS = 1.0
REQUEST_SECONDS = 1.4
SLACK_SECONDS = 2.0
"""What a busy machine may add."""

BODY = {"name": "Too late", "metadata": {}}


@pytest.fixture(scope="module")
def service(database: TestDatabase) -> Iterator[ServedProcess]:
    """Serve with fractions of a second for a body and for a request, and two connections to the database."""
    with served(
        database, body_timeout_seconds=BODY_SECONDS, request_timeout_seconds=REQUEST_SECONDS, pool_size=2
    ) as service:
        yield service


def post_head(party: Party) -> bytes:
    """Return the head of a request whose body of 1,000 bytes has yet to come."""
    headers = [("Authorization", f"Bearer {party.token}"), ("Content-Type", "application/json")]
    return compose("POST", "/tenants", [*headers, ("Content-Length", "1000")])


def drip(port: int, beginning: bytes, drop: bytes) -> tuple[bytes, float]:
    """Send a beginning, then a drop ten times a second until the server hangs up; return its words and the time."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=0.1) as connection:
        began = perf_counter()
        connection.sendall(beginning)
        while perf_counter() - began < 10:
            with suppress(TimeoutError, ConnectionError):
                chunk = connection.recv(65_536)
                if not chunk:
                    break
                received += chunk
            with suppress(ConnectionError):
                connection.sendall(drop)
    return received, perf_counter() - began


def problem_in(received: bytes) -> WireAnswer:
    """Return the one answer that was received."""
    wire = Wire.__new__(Wire)
    wire._received = received
    return wire.receive()


async def test_a_slow_body_is_not_waited_for(service: ServedProcess, hsbc: Organization) -> None:
    """A body that drips is answered 408 when its time is over, and the connection closes."""
    received, seconds = await in_thread(drip, service.port, post_head(hsbc.parent), b"x")
    answer = problem_in(received)
    check_problem(answer, 408, "body_too_slow")
    assert answer.header("connection") == "close"
    assert BODY_SECONDS <= seconds < BODY_SECONDS + SLACK_SECONDS


async def test_a_slow_head_is_not_waited_for(service: ServedProcess) -> None:
    """A head that drips is answered 408 as well: the clock starts with its first byte, not with its last."""
    received, seconds = await in_thread(drip, service.port, b"GET /health HTTP/1.1\r\nX-Slow: ", b"x")
    check_problem(problem_in(received), 408, "body_too_slow")
    assert BODY_SECONDS <= seconds < BODY_SECONDS + SLACK_SECONDS


async def test_silence_is_hung_up_on(service: ServedProcess) -> None:
    """A connection on which nothing comes is closed without a word: there is no request to answer."""
    received, seconds = await in_thread(drip, service.port, b"", b"")
    assert received == b""
    assert seconds < BODY_SECONDS + SLACK_SECONDS


async def test_blank_lines_do_not_keep_a_connection(service: ServedProcess) -> None:
    """After an answer, line ends alone hold the connection no longer than silence does."""
    beginning = compose("GET", "/health")
    received, seconds = await in_thread(drip, service.port, beginning, b"\r\n")
    assert problem_in(received).status == 200
    assert seconds < 2 * BODY_SECONDS + SLACK_SECONDS


async def test_slow_bodies_hold_no_connection_to_the_database(service: ServedProcess, hsbc: Organization) -> None:
    """While ten bodies drip, far more than the pool has connections, others are served at once."""
    dripping = [asyncio.create_task(in_thread(drip, service.port, post_head(hsbc.parent), b"x")) for _ in range(10)]
    await asyncio.sleep(0.2)
    began = perf_counter()
    with Wire(service.port) as wire:
        answer = await in_thread(wire.ask, "GET", "/tenants", hsbc.parent)
    assert (answer.status, perf_counter() - began < BODY_SECONDS) == (200, True)
    assert not any(task.done() for task in dripping)
    for received, _ in await asyncio.gather(*dripping):
        check_problem(problem_in(received), 408, "body_too_slow")


async def put(service: ServedProcess, party: Party) -> tuple[WireAnswer, float]:
    """Replace the party's own name; return the answer and how long it took."""

    def ask() -> tuple[WireAnswer, float]:
        began = perf_counter()
        with Wire(service.port) as wire:
            answer = wire.ask("PUT", f"/tenants/{party.tenant_id}", party, json_body=BODY)
        return answer, perf_counter() - began

    return await in_thread(ask)


@pytest.mark.exhaustive
async def test_a_request_that_takes_too_long_is_given_up(
    service: ServedProcess, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """It is answered 504 with Retry-After, its transaction is rolled back, and its connection serves the next."""
    parent = hsbc.parent
    async with locked_row(as_admin, parent):
        for _ in range(3):
            answer, seconds = await put(service, parent)
            check_problem(answer, 504, "request_timed_out")
            assert answer.header("retry-after") == "1"
            assert REQUEST_SECONDS <= seconds < REQUEST_SECONDS + SLACK_SECONDS
    assert await as_admin.fetchval("SELECT version FROM tenancy.tenants WHERE tenant_id = $1", parent.tenant_id) == 1
    answer, _ = await put(service, parent)
    assert (answer.status, answer.json()["version"]) == (200, 2)


@pytest.mark.exhaustive
async def test_a_lock_is_waited_for_within_the_roles_bound(
    database: TestDatabase, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """With time enough for the request, the database's own lock_timeout ends the wait: 503 with Retry-After."""
    with served(database) as patient:
        async with locked_row(as_admin, hsbc.parent):
            answer, seconds = await put(patient, hsbc.parent)
        check_problem(answer, 503, "database_unavailable")
        assert answer.header("retry-after") == "1"
        assert 2.0 <= seconds < 2.0 + SLACK_SECONDS
        assert (await put(patient, hsbc.parent))[0].status == 200
