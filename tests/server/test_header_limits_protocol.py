"""The protocol in this process, one connection at a time: what is answered, in what order, and how it ends."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from multi_tenant_db.settings import Settings
from tests.support.http_server import http_server
from tests.support.test_database import TestDatabase

GET = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /tenants HTTP/1.1\r\nHost: x\r\n"
LARGE = b"a" * 100_000
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")

EXCHANGES = {
    "one request": ([GET + b"Connection: close\r\n\r\n"], [404]),
    "two in one piece": ([GET + b"\r\n" + GET + b"Connection: close\r\n\r\n"], [404, 404]),
    "byte by byte": ([bytes([byte]) for byte in GET + b"Connection: close\r\n\r\n"], [404]),
    "garbage": ([b"garbage\r\n\r\n"], [400]),
    "garbage behind a request": ([GET + b"\r\ngarbage\r\n\r\n"], [404, 400]),
    "another version": ([b"GET /nowhere HTTP/2.0\r\nHost: x\r\n\r\n"], [400]),
    "a target without a path": ([b"GET http://x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"], [404]),
    "a query without a path": ([b"GET http://x?y=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"], [404]),
    "a target that is none": ([b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n"], [400]),
    "an encoding before chunked": ([POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"], [400]),
    "a long head": ([GET + b"X: " + LARGE], [431]),
    "a long target": ([b"GET /" + LARGE], [414]),
    "half a head": ([GET], [408]),
    "half a body": ([POST + b"Content-Length: 9\r\nContent-Type: application/json\r\n\r\n{"], [408]),
    "a bad chunk": ([POST + b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nZZZ\r\n"], [400]),
    "an offer to upgrade": (
        [GET + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\n", b"GET"],
        [404],
    ),
    "an offer to upgrade, in chunks": (
        [
            GET
            + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\n"
        ],
        [404],
    ),
}


@pytest.fixture
async def port(database: TestDatabase) -> AsyncIterator[int]:
    """Listen with the service's protocol and short timeouts."""
    settings = Settings(
        database_url=f"postgresql://{database.admin_url.host}:{database.admin_url.port}/nowhere",
        api_password="never used",
        body_timeout_seconds=1,
    )
    async with http_server(settings) as port:
        yield port


@pytest.mark.parametrize("name", EXCHANGES)
async def test_each_request_has_its_answer_and_the_connection_ends(port: int, name: str) -> None:
    """Statuses come in the order of the requests, and no byte behind a refusal is taken for a request."""
    pieces, expected = EXCHANGES[name]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    async with asyncio.timeout(20):
        received = await reader.read()
    writer.close()

    assert [int(status) for status in STATUS.findall(received)] == expected
    assert received.count(b"application/problem+json") == len(expected)
