"""Clients that hang up, trickle, or never read: each hurts himself alone."""

import asyncio
import json
import socket
from contextlib import suppress

import pytest
from psutil import Process

from tests.reliability.conftest import CONNECTIONS
from tests.reliability.support.calls import call, path_of
from tests.reliability.support.connections import count_settled_connections
from tests.reliability.support.service import Service
from tests.reliability.support.until import until
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.test_database import TestDatabase
from tests.support.wire_answer import compose, parse_head

pytestmark = pytest.mark.exhaustive

TIMES = 20
BIG_BRANCHES = 600
FILL = """
    INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name, metadata)
    SELECT 'subsidiary', $1, 'Big branch ' || n, jsonb_build_object('text', repeat('x', 16000))
    FROM generate_series(1, $2::integer) AS n
"""
VERSION_AND_EVENTS = """
    SELECT tenant.version, (
        SELECT count(*) FROM tenancy.tenant_events AS event
        WHERE event.tenant_id = tenant.tenant_id AND event.event_type = 'updated'
    ) AS events
    FROM tenancy.tenants AS tenant
    WHERE tenant.tenant_id = $1
"""


def a_change_of(tenant: Party, caller: Party) -> bytes:
    """Return a PUT, as bytes."""
    body = json.dumps({"name": tenant.name, "metadata": {"text": "y" * 4_000}}).encode()
    headers = [*caller.headers.items(), ("Content-Type", "application/json")]
    return compose("PUT", path_of(tenant), headers, body)


@pytest.mark.parametrize("sent", [0.01, 0.5, 1.0], ids=["in the head", "in the body", "before the answer"])
async def test_a_client_that_hangs_up_holds_nothing(
    fragile: TestDatabase, service: Service, bank: Organization, sent: float
) -> None:
    """Whenever a client hangs up, its change is done whole or not at all, and no connection stays in a transaction."""
    tenant = bank.subsidiaries[0]
    request = a_change_of(tenant, bank.parent)
    for _ in range(TIMES):
        _, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(request[: max(1, round(len(request) * sent))])
        await writer.drain()
        writer.transport.abort()
    assert await count_settled_connections(fragile) <= CONNECTIONS
    administrator = await fragile.connect_as_admin()
    row = await administrator.fetchrow(VERSION_AND_EVENTS, tenant.tenant_id)
    await administrator.close()
    assert row["version"] == 1 + row["events"]
    assert sent == 1.0 or row["events"] == 0
    assert (await call(service.port, "GET", path_of(tenant), bank.parent)).status == 200


@pytest.mark.parametrize("part", ["head", "body"])
async def test_a_client_that_trickles_is_told_408(service: Service, bank: Organization, part: str) -> None:
    """A head or a body that arrives byte by byte is given up in time, with a problem document, and delays nobody."""
    request = a_change_of(bank.subsidiaries[0], bank.parent)
    at_once = 0 if part == "head" else request.index(b"\r\n\r\n") + 4
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(request[:at_once])

    async def trickle() -> None:
        with suppress(OSError):
            for byte in request[at_once:]:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.02)

    trickling = asyncio.create_task(trickle())
    async with asyncio.timeout(20):
        meanwhile = await call(service.port, "GET", path_of(bank.parent), bank.parent)
        status, headers = parse_head((await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n"))
        body = await reader.readexactly(int(dict(headers)["content-length"]))
    trickling.cancel()
    writer.transport.abort()
    assert meanwhile.status == 200
    assert (status, json.loads(body)["code"]) == (408, "body_too_slow")
    assert dict(headers)["content-type"] == "application/problem+json"
    assert dict(headers)["connection"] == "close"


async def test_a_connection_that_says_nothing_is_closed(service: Service) -> None:
    """Whoever connects and sends nothing is hung up on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    writer.close()


async def test_a_client_that_never_reads_is_given_up(
    fragile: TestDatabase, service: Service, bank: Organization
) -> None:
    """Who does not fetch a large answer holds no database connection, and is cut off when his time is over."""
    administrator = await fragile.connect_as_admin()
    await administrator.execute(FILL, bank.parent.tenant_id, BIG_BRANCHES)
    await administrator.close()
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    line.settimeout(10)
    await asyncio.to_thread(line.connect, ("127.0.0.1", service.port))
    line.sendall(compose("GET", "/tenants?limit=1000", bank.parent.headers.items()))
    await asyncio.sleep(1)
    assert await count_settled_connections(fragile) <= CONNECTIONS
    port = line.getsockname()[1]

    async def is_cut_off() -> bool:
        connections = [one for worker in service.workers for one in Process(worker).net_connections()]
        return not any(one.raddr and one.raddr.port == port for one in connections)

    await until(is_cut_off, "the service hangs up")
    received, length = await asyncio.to_thread(read_to_the_end, line)
    assert length > BIG_BRANCHES * 16_000
    assert received < length, "the whole answer waited for a client who did not read"
    assert (await call(service.port, "GET", path_of(bank.parent), bank.parent)).status == 200


def read_to_the_end(line: socket.socket) -> tuple[int, int]:
    """Return how much of the body came, and how much was announced."""
    received = bytearray()
    with line, suppress(ConnectionResetError):
        while chunk := line.recv(1_000_000):
            received += chunk
            head, end, body = received.partition(b"\r\n\r\n")
            if end and len(body) == int(dict(parse_head(bytes(head))[1])["content-length"]):
                break
    head, _, body = received.partition(b"\r\n\r\n")
    return len(body), int(dict(parse_head(bytes(head))[1])["content-length"])
