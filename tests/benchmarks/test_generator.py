"""The generator counts right responses, and ends at the first that is not."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.load.checked_request import CheckedRequest
from benchmarks.load.generator import Generator
from benchmarks.load.http import compose, parse
from benchmarks.load.wrong_response import WrongResponseError
from benchmarks.peers.nothing import BODY
from benchmarks.running_process import RunningProcess
from multi_tenant_db.development.ports import free_port
from tests.support.sources import ROOT

RIGHT = CheckedRequest(compose("GET", "/", {}), 200, BODY, exact=True)
SECONDS = 0.2


@pytest.fixture(scope="module")
def generator() -> Iterator[Generator]:
    """Start the generator."""
    with Generator() as generator:
        yield generator


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Start a server whose answer is known."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.peers.nothing", str(port)]
    with RunningProcess(command, {"PYTHONPATH": str(ROOT)}, port, "/"):
        yield port


def test_right_answers_are_counted_and_checked(generator: Generator, port: int) -> None:
    """Every answer that counts has been looked at."""
    batch = generator.send(port, [RIGHT], clients=3, seconds=SECONDS)
    assert batch.responses == batch.checked > 0
    assert batch.per_second > 0


@pytest.mark.parametrize(
    "wrong",
    [
        RIGHT._replace(status=404),
        RIGHT._replace(expected=BODY + b" "),
        RIGHT._replace(expected=b"another", exact=False),
    ],
    ids=["status", "body", "part of the body"],
)
def test_a_wrong_answer_ends_everything(generator: Generator, port: int, wrong: CheckedRequest) -> None:
    """One wrong answer among many right ones is enough."""
    with pytest.raises(WrongResponseError, match="expected"):
        generator.send(port, [RIGHT] * 50 + [wrong], clients=3, seconds=SECONDS)


def test_writes_are_fired_once(generator: Generator, port: int) -> None:
    """Without repetition as many responses come as there are requests."""
    batch = generator.send(port, [RIGHT] * 40_000, clients=3, seconds=60, repeat=False)
    assert batch.responses == 40_000


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", (200, b"{}")),
        (b"HTTP/1.1 204 No Content\r\nx: y\r\n\r\n", (204, b"")),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}", None),
        (b"HTTP/1.1 200 OK\r\ncontent-len", None),
    ],
    ids=["whole", "empty", "half a body", "half a head"],
)
def test_an_answer_is_read_when_it_is_whole(received: bytes, expected: Any) -> None:
    """Half an answer is none yet."""
    assert parse(received) == expected
