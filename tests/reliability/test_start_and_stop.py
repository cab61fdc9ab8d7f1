"""Starting before the database, stopping while requests run."""

import asyncio
import signal
from collections.abc import AsyncIterator
from functools import partial

import pytest

from multi_tenant_db.development import EmbeddedPostgres
from tests.reliability.support.calls import call, call_on, path_of
from tests.reliability.support.row_lock import locked_row
from tests.reliability.support.service import serving
from tests.reliability.support.until import until
from tests.support.extent import part
from tests.support.listening import refuses_connections
from tests.support.organization import Organization
from tests.support.test_database import TestDatabase
from tests.support.wire_channel import WireChannel


@pytest.fixture
async def patient(fragile: TestDatabase) -> AsyncIterator[TestDatabase]:
    """Give the database, where a request may wait for a row as long as a busy machine takes for the rest."""
    administrator = await fragile.connect_as_admin()
    await administrator.execute("ALTER ROLE tenancy_api IN DATABASE tenancy SET lock_timeout = '14s'")
    await administrator.execute("ALTER ROLE tenancy_api IN DATABASE tenancy SET statement_timeout = '14s'")
    yield fragile
    await administrator.execute("ALTER ROLE tenancy_api IN DATABASE tenancy RESET ALL")
    await administrator.close()


@pytest.mark.exhaustive
@pytest.mark.parametrize("workers", part([2, 1], 2))
async def test_sigterm_lets_requests_finish(patient: TestDatabase, bank: Organization, workers: int) -> None:
    """After SIGTERM new connections are refused, requests under way and on their way are answered, the code is 0."""
    tenant = bank.subsidiaries[0]
    body = {"name": tenant.name, "metadata": {"changed": True}}
    async with (
        serving(patient, workers=workers, command_timeout_seconds=14) as service,
        locked_row(patient, tenant) as lock,
    ):
        idle = WireChannel(service.port)
        assert (await call_on(idle, "GET", path_of(bank.parent), bank.parent)).status == 200
        change = asyncio.create_task(call(service.port, "PUT", path_of(tenant), bank.parent, body))
        await lock.wait_for(1)
        service.send(signal.SIGTERM)
        await until(partial(refuses_connections, service.port), "new connections are refused")

        last = await call_on(idle, "GET", path_of(bank.parent), bank.parent)
        assert (last.status, last.header("connection")) == (200, "close")
        assert service.is_running
        await lock.release()
        assert (await change).status == 200
        assert await service.exit_code() == 0
        assert "Traceback" not in service.log


@pytest.mark.exhaustive
async def test_a_request_that_outlasts_the_shutdown_is_told_so(patient: TestDatabase, bank: Organization) -> None:
    """A request that is still under way when the service's patience ends gets a problem document, and is undone."""
    tenant = bank.subsidiaries[0]
    body = {"name": tenant.name, "metadata": {"changed": True}}
    async with serving(patient, shutdown_timeout_seconds=1) as service, locked_row(patient, tenant) as lock:
        change = asyncio.create_task(call(service.port, "PUT", path_of(tenant), bank.parent, body))
        await lock.wait_for(1)
        service.send(signal.SIGTERM)
        answer = await change
        assert (answer.status, answer.json()["code"]) == (504, "request_timed_out")
        assert await service.exit_code() == 0
        assert "Traceback" not in service.log
    administrator = await patient.connect_as_admin()
    version = "SELECT version FROM tenancy.tenants WHERE tenant_id = $1"
    assert await administrator.fetchval(version, tenant.tenant_id) == 1
    await administrator.close()


@pytest.mark.exhaustive
async def test_start_before_the_database(server: EmbeddedPostgres, fragile: TestDatabase) -> None:
    """Without a database, the service waits as long as it was told, ends with code 3 and one line, or comes up."""
    await asyncio.to_thread(server.stop)
    try:
        async with (
            serving(fragile, healthy=False, startup_timeout_seconds=1) as impatient,
            serving(fragile, healthy=False, startup_timeout_seconds=60) as lasting,
            serving(fragile, healthy=False, startup_timeout_seconds=60) as unwanted,
        ):
            assert await impatient.exit_code() == 3
            complaints = [line for line in impatient.log.splitlines() if line.startswith("mtdb: ")]
            assert len(complaints) == 1
            assert "the database cannot be reached" in complaints[0]
            assert "Traceback" not in impatient.log

            async def both_wait() -> bool:
                return all("waiting for the database" in service.log for service in (unwanted, lasting))

            await until(both_wait, "both wait")
            unwanted.send(signal.SIGTERM)
            assert await unwanted.exit_code() == 0
            assert "Traceback" not in unwanted.log

            assert lasting.is_running
            await asyncio.to_thread(server.start)
            await lasting.wait_until_healthy()
    finally:
        await asyncio.to_thread(server.start)
