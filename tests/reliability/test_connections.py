"""Connections to the database that die, or that are all taken."""

import asyncio

import pytest

from tests.reliability.conftest import CONNECTIONS, POOL_SIZE
from tests.reliability.support.calls import call, path_of
from tests.reliability.support.connections import count_connections, count_settled_connections
from tests.reliability.support.faults import TERMINATE
from tests.reliability.support.row_lock import locked_row
from tests.reliability.support.service import Service
from tests.reliability.support.until import until
from tests.support.organization import Organization
from tests.support.test_database import TestDatabase

pytestmark = pytest.mark.exhaustive

TERMINATE_AND_WAIT = TERMINATE.replace("(pid)", "(pid, 5000)")
"""Returns when the processes have ended: their connections are closed."""
EVENTS = "SELECT count(*) FROM tenancy.tenant_events WHERE tenant_id = $1 AND event_type = 'updated'"


async def test_a_transaction_whose_connection_dies_leaves_nothing(
    fragile: TestDatabase, service: Service, bank: Organization
) -> None:
    """A change whose backend is terminated midway is answered 503 and undone, and the same request then succeeds."""
    tenant = bank.subsidiaries[0]
    path, body = path_of(tenant), {"name": f"{tenant.name}, renamed", "metadata": {}}
    async with locked_row(fragile, tenant) as lock:
        change = asyncio.create_task(call(service.port, "PUT", path, bank.parent, body, if_match='"1"'))
        await lock.wait_for(1)
        await lock.terminate_waiting()
        refused = await change
    assert (refused.status, refused.json()["code"]) == (503, "database_unavailable")
    assert refused.header("retry-after") == "1"
    read = await call(service.port, "GET", path, bank.parent)
    assert (read.json()["name"], read.header("etag")) == (tenant.name, '"1"')

    assert (await call(service.port, "PUT", path, bank.parent, body, if_match='"1"')).status == 200
    administrator = await fragile.connect_as_admin()
    assert await administrator.fetchval(EVENTS, tenant.tenant_id) == 1
    await administrator.close()


async def test_a_dead_connection_is_given_to_nobody(
    fragile: TestDatabase, service: Service, bank: Organization
) -> None:
    """Connections that die while idle cost no request: each that would have been given one gets a new one."""
    reads = [("GET", path_of(bank.parent), bank.parent)] * POOL_SIZE

    async def all_are_open() -> bool:
        await asyncio.gather(
            call(service.port, "GET", "/health", bank.parent), *(call(service.port, *read) for read in reads)
        )
        return await count_connections(fragile) == CONNECTIONS

    await until(all_are_open, "the pools are full")
    administrator = await fragile.connect_as_admin()
    assert set(await administrator.fetch(TERMINATE_AND_WAIT)) == {(True,)}
    await administrator.close()

    answers = await asyncio.gather(*(call(service.port, *read) for read in reads))
    assert [answer.status for answer in answers] == [200] * POOL_SIZE
    assert await count_settled_connections(fragile) <= CONNECTIONS


async def test_an_exhausted_pool_refuses_politely_and_recovers(
    fragile: TestDatabase, service: Service, bank: Organization
) -> None:
    """While every connection is taken, one more request waits a moment for 503, and all is well once they are free."""
    tenant = bank.subsidiaries[0]
    body = {"name": tenant.name, "metadata": {}}
    async with locked_row(fragile, tenant) as lock:
        changes = [
            asyncio.create_task(call(service.port, "PUT", path_of(tenant), bank.parent, body)) for _ in range(POOL_SIZE)
        ]
        await lock.wait_for(POOL_SIZE)
        refused = await call(service.port, "GET", path_of(bank.parent), bank.parent)
        await lock.release()
    assert (refused.status, refused.json()["code"]) == (503, "database_unavailable")
    assert refused.header("retry-after") == "1"
    # On a busy machine some may have waited longer than a statement may.
    statuses = {answer.status for answer in await asyncio.gather(*changes)}
    assert 200 in statuses
    assert statuses <= {200, 503}
    assert (await call(service.port, "GET", path_of(bank.parent), bank.parent)).status == 200
    assert await count_settled_connections(fragile) <= CONNECTIONS
