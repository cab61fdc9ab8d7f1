"""Bodies, headers and targets that are too large: refused at exactly the limit, at once, and without being kept."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import pytest

from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.served_process import ServedProcess, served
from tests.support.test_database import TestDatabase
from tests.support.threads import in_thread
from tests.support.wire import Wire
from tests.support.wire_answer import compose, parse_head
from tests.support.wire_problems import check_problem

LIMIT = 2_048


@pytest.fixture(scope="module")
def service(database: TestDatabase) -> Iterator[ServedProcess]:
    """Serve with 2 KiB for headers, for the target and for the body."""
    with served(database, max_body_bytes=LIMIT, max_header_bytes=LIMIT) as service:
        yield service


def body_of(size: int) -> bytes:
    """Return JSON of exactly this size, which breaks a rule, so that nothing is created."""
    return b'{"name": "' + b" " * (size - 12) + b'"}'


def post(party: Party, *headers: tuple[str, str], body: bytes | None = None) -> bytes:
    """Return a request to create a tenant."""
    usual = [("Authorization", f"Bearer {party.token}"), ("Content-Type", "application/json")]
    return compose("POST", "/tenants", [*usual, *headers], body)


def test_a_body_may_be_as_large_as_the_limit(service: ServedProcess, hsbc: Organization) -> None:
    """Exactly the limit is read and judged by its contents; one byte more is 413, and the connection closes."""
    with Wire(service.port) as wire:
        assert wire.exchange(post(hsbc.parent, body=body_of(LIMIT))).status == 422
        answer = wire.exchange(post(hsbc.parent, body=body_of(LIMIT + 1)))
        assert f"at most {LIMIT} bytes" in check_problem(answer, 413, "body_too_large")["detail"]
        assert answer.header("connection") == "close"


def test_a_body_without_a_length_is_counted(service: ServedProcess, hsbc: Organization) -> None:
    """Chunks are added up: the limit holds for what arrives, not for what is announced."""
    chunked = ("Transfer-Encoding", "chunked")

    def in_chunks(body: bytes) -> bytes:
        pieces = [body[n : n + 100] for n in range(0, len(body), 100)]
        return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"

    with Wire(service.port) as wire:
        assert wire.exchange(post(hsbc.parent, chunked) + in_chunks(body_of(LIMIT))).status == 422
        answer = wire.exchange(post(hsbc.parent, chunked) + in_chunks(body_of(LIMIT + 1)))
        check_problem(answer, 413, "body_too_large")


def test_an_announced_giant_is_not_waited_for(service: ServedProcess, hsbc: Organization) -> None:
    """A Content-Length beyond the limit is refused before a byte of the body has come."""
    with Wire(service.port) as wire:
        check_problem(wire.exchange(post(hsbc.parent, ("Content-Length", "99999999999"))), 413, "body_too_large")


def test_a_token_does_not_lift_the_limit_nor_does_its_absence(service: ServedProcess) -> None:
    """Who is nobody is refused for the size, too, before he is asked who he is: no connection is taken for him."""
    nobody = Party(uuid4(), "nobody", "mtdb_nobody")
    with Wire(service.port) as wire:
        check_problem(wire.exchange(post(nobody, body=body_of(LIMIT + 1))), 413, "body_too_large")


def sized(size: int, headers: int = 1) -> list[tuple[str, str]]:
    """Return headers that together, with Host, have this size."""
    size -= len("host" + "service")
    each, rest = divmod(size, headers)
    return [(f"x-{n:06}", "v" * (each - 8 + (rest if n == 0 else 0))) for n in range(headers)]


@pytest.mark.parametrize("headers", [1, 40])
def test_headers_may_be_as_large_as_the_limit(service: ServedProcess, headers: int) -> None:
    """Exactly the limit passes, in one header or in many; one byte more is 431."""
    with Wire(service.port) as wire:
        assert wire.ask("GET", "/health", headers=sized(LIMIT, headers)).status == 200
        check_problem(wire.ask("GET", "/health", headers=sized(LIMIT + 1, headers)), 431, "headers_too_large")
        assert wire.ask("GET", "/health").status == 200


def test_a_target_may_be_as_long_as_the_limit(service: ServedProcess, hsbc: Organization) -> None:
    """Path and query together are judged by their contents up to the limit; one byte more is 414."""
    path, query = "/tenants", "cursor="
    room = LIMIT - len(path) - len(query)
    with Wire(service.port) as wire:
        assert wire.ask("GET", f"{path}?{query}{'a' * room}", hsbc.parent).status == 422
        answer = wire.ask("GET", f"{path}?{query}{'a' * (room + 1)}", hsbc.parent)
        check_problem(answer, 414, "target_too_long")


@pytest.mark.parametrize(
    ("beginning", "status"),
    [
        pytest.param(b"GET /health HTTP/1.1\r\nHost: service\r\nX-Endless: ", 431, id="one header"),
        pytest.param(b"GET /health HTTP/1.1\r\nHost: service\r\n", 431, id="header name"),
        pytest.param(b"GET /", 414, id="target"),
    ],
)
async def test_an_endless_head_is_not_collected(service: ServedProcess, beginning: bytes, status: int) -> None:
    """A head without an end is refused after a bounded number of bytes, and whoever goes on sending is hung up on."""
    sent, received = await in_thread(_send_without_end, service.port, beginning)
    assert sent < 32 * 1024 * 1024
    assert parse_head(received.partition(b"\r\n\r\n")[0])[0] == status


def _send_without_end(port: int, beginning: bytes) -> tuple[int, bytes]:
    received, sent = b"", 0
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, suppress(ConnectionError):
        connection.sendall(beginning)
        with suppress(ConnectionError):
            while sent < 64 * 1024 * 1024:
                sent += connection.send(b"a" * 16_384)
        while chunk := connection.recv(65_536):
            received += chunk
    return sent, received
