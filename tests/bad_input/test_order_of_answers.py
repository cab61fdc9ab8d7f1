"""A refusal is true and in its place: what it refuses was not carried out, and other requests keep their answers."""

import asyncio
import json
import time
from collections.abc import Iterator

import asyncpg
import pytest

from tests.bad_input.exchange import answers_in, converse
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.requests import new_subsidiary
from tests.support.served_process import ServedProcess, served
from tests.support.test_database import TestDatabase
from tests.support.wire_answer import compose

REFUSED = "400 malformed_request"
CHUNKED = ("Transfer-Encoding", "chunked")
BODY_SECONDS = 1.0
MAX_BODY_BYTES = 2_048
MALFORMED = [(b"ZZZ\r\n",), (b"", b"ZZZ\r\n"), (b"2\r\n{}\r\n", b"ZZZ\r\n"), (b"0\r\nnonsense\r\n\r\n",)]
"""The packets of chunked bodies; the first comes with the head."""

NO_REQUESTS = {
    "garbage": b"GARBAGE\r\n\r\n",
    "a target that is none": compose("GET", "http://[::1"),
    "an encoding that is not served": compose("GET", "/health", [("Transfer-Encoding", "gzip, chunked")]),
}


@pytest.fixture(scope="module")
def service(database: TestDatabase) -> Iterator[ServedProcess]:
    """Run the service with little patience, and with a log of its requests."""
    with served(
        database, log_level="info", body_timeout_seconds=BODY_SECONDS, max_body_bytes=MAX_BODY_BYTES
    ) as service:
        yield service


def head(party: Party, method: str, target: str, *headers: tuple[str, str], body: bytes | None = None) -> bytes:
    """Return a request of this party."""
    return compose(method, target, [("Authorization", f"Bearer {party.token}"), *headers], body)


def creation(parent: Party) -> bytes:
    """Return a request that creates a subsidiary."""
    body = json.dumps(new_subsidiary(parent)).encode()
    return head(parent, "POST", "/tenants", ("Content-Type", "application/json"), body=body)


async def subsidiaries(as_admin: asyncpg.Connection, parent: Party) -> int:
    """Return how many there are."""
    query = "SELECT count(*) FROM tenancy.tenants WHERE parent_tenant_id = $1"
    return int(await as_admin.fetchval(query, parent.tenant_id))


def logged(service: ServedProcess, before: int) -> list[str]:
    """Return method and status of the requests behind this place in the log, sorted, up to a last one of our own."""
    answered = converse(service.port, compose("GET", "/last", [("Connection", "close")]))
    last = answered.partition(b"x-request-id: ")[2].partition(b"\r\n")[0].decode()
    deadline = time.monotonic() + 5
    while last not in (log := service.log_text()[before:]) and time.monotonic() < deadline:
        time.sleep(0.01)
    lines = [json.loads(line) for line in log.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert requests.pop()["request_id"] == last
    return sorted(f"{line['method']} {line['status']}" for line in requests)


@pytest.mark.parametrize("rest", MALFORMED, ids=repr)
@pytest.mark.parametrize("request_line", ["DELETE /tenants/{id}", "GET /tenants/{id}", "GET /tenants", "GET /health"])
async def test_a_malformed_body_stops_its_request(
    service: ServedProcess,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    request_line: str,
    rest: tuple[bytes, ...],
) -> None:
    """Also where the endpoint takes no body: it is answered 400, logged once as itself, and nothing was changed."""
    method, _, target = request_line.partition(" ")
    before = await subsidiaries(as_admin, hsbc.parent)
    log = len(service.log_text())
    start = head(hsbc.parent, method, target.replace("{id}", str(hsbc.subsidiaries[0].tenant_id)), CHUNKED)

    received = await asyncio.to_thread(converse, service.port, start + rest[0], *rest[1:])

    assert answers_in(received) == [REFUSED]
    assert await asyncio.to_thread(logged, service, log) == [f"{method} 400"]
    assert await subsidiaries(as_admin, hsbc.parent) == before


@pytest.mark.parametrize("name", NO_REQUESTS)
async def test_what_follows_a_request_does_not_take_its_answer(
    service: ServedProcess, as_admin: asyncpg.Connection, hsbc: Organization, name: str
) -> None:
    """Whole requests are carried out and answered, each in its turn; then comes the refusal, and the end."""
    before = await subsidiaries(as_admin, hsbc.parent)
    log = len(service.log_text())
    sent = creation(hsbc.parent) + creation(hsbc.parent) + NO_REQUESTS[name]

    received = await asyncio.to_thread(converse, service.port, sent)

    assert answers_in(received) == ["201", "201", REFUSED]
    assert await asyncio.to_thread(logged, service, log) == ["None 400", "POST 201", "POST 201"]
    assert await subsidiaries(as_admin, hsbc.parent) == before + 2


async def test_behind_the_last_request_nothing_is_answered(
    service: ServedProcess, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A request that closes the connection has the last word; what came behind it is not read."""
    before = await subsidiaries(as_admin, hsbc.parent)
    log = len(service.log_text())
    sent = creation(hsbc.parent).replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + NO_REQUESTS["garbage"]

    received = await asyncio.to_thread(converse, service.port, sent)

    assert answers_in(received) == ["201"]
    assert await asyncio.to_thread(logged, service, log) == ["POST 201"]
    assert await subsidiaries(as_admin, hsbc.parent) == before + 1


async def test_a_malformed_body_behind_a_request(
    service: ServedProcess, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """The first request keeps its answer, the second is refused when its turn comes."""
    before = await subsidiaries(as_admin, hsbc.parent)
    second = head(hsbc.parent, "DELETE", f"/tenants/{hsbc.subsidiaries[0].tenant_id}", CHUNKED) + b"ZZZ\r\n"

    received = await asyncio.to_thread(converse, service.port, creation(hsbc.parent) + second)

    assert answers_in(received) == ["201", REFUSED]
    assert await subsidiaries(as_admin, hsbc.parent) == before + 1


async def test_an_answer_that_left_is_the_only_one(service: ServedProcess, hsbc: Organization) -> None:
    """Where a request was refused by its head, its body, malformed or not, brings no second answer."""
    log = len(service.log_text())
    start = head(hsbc.parent, "POST", "/health", CHUNKED)

    received = await asyncio.to_thread(converse, service.port, start, b"", b"", b"", b"", b"ZZZ\r\n")

    assert answers_in(received) == ["405 method_not_allowed"]
    assert await asyncio.to_thread(logged, service, log) == ["POST 405"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ((("Content-Length", "5"), b"x"), "408 body_too_slow"),
        ((CHUNKED, b"2\r\n{}\r\n"), "408 body_too_slow"),
        ((("Content-Length", str(MAX_BODY_BYTES + 1)), b""), "413 body_too_large"),
        ((CHUNKED, b"%x\r\n%b" % (MAX_BODY_BYTES + 1, b"x" * (MAX_BODY_BYTES + 1))), "413 body_too_large"),
        ((CHUNKED, b"2;" + b"x" * 1_000_000), "431 headers_too_large"),
    ],
    ids=["slow", "slow chunks", "large", "large chunks", "a large extension"],
)
async def test_a_body_that_nobody_asked_for_has_its_limits(
    service: ServedProcess,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    body: tuple[tuple[str, str], bytes],
    answer: str,
) -> None:
    """It is waited for as long as any other, it is as large as any other, and nothing is deleted before its end."""
    before = await subsidiaries(as_admin, hsbc.parent)
    start = head(hsbc.parent, "DELETE", f"/tenants/{hsbc.subsidiaries[0].tenant_id}", body[0])

    received = await asyncio.to_thread(converse, service.port, start + body[1])

    assert answers_in(received) == [answer]
    assert await subsidiaries(as_admin, hsbc.parent) == before


async def test_a_body_that_nobody_asked_for_is_no_obstacle(
    service: ServedProcess, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A deletion with a whole body is carried out, and the connection serves the next request."""
    before = await subsidiaries(as_admin, hsbc.parent)
    deletion = head(hsbc.parent, "DELETE", f"/tenants/{hsbc.subsidiaries[0].tenant_id}", CHUNKED)
    following = head(hsbc.parent, "GET", "/health", ("Connection", "close"))

    received = await asyncio.to_thread(converse, service.port, deletion, b"2\r\n{}\r\n", b"0\r\n\r\n" + following)

    assert answers_in(received) == ["204", "200"]
    assert await subsidiaries(as_admin, hsbc.parent) == before - 1
