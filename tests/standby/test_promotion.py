"""A standby that is promoted."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.organization import Organization
from tests.support.recorded_log import RecordedLog
from tests.support.replica import Replica, replica
from tests.support.replica_service import replica_service
from tests.support.standby import fetch_value, promote, standby_of

pytestmark = pytest.mark.exhaustive


@pytest.fixture
async def mortal() -> AsyncIterator[Replica]:
    """Start servers that are not the same afterwards."""
    async with replica() as servers:
        yield servers


async def test_a_promoted_standby_is_not_used(mortal: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes writes of its own: reads go to the primary that the service writes to."""
    log = RecordedLog.of("database.standby_watch", monkeypatch)
    bank: Organization = await mortal.create_organization()
    async with replica_service(mortal.settings(read_max_lag_seconds=1_000)) as service:
        await service.until_read_from_standby(bank.parent)
        await promote(mortal.standby_server)
        await log.until("a server is not used for reads", cause="promoted")
        before = service.reads.reads_on_standby
        await service.rename(bank.parent, "written on the primary")
        await log.until("a server is not used for reads", cause="it is the primary")
        for _ in range(3):
            assert await service.name_of(bank.parent) == "written on the primary"
        assert service.reads.reads_on_standby == before


async def test_the_servers_change_places(mortal: Replica) -> None:
    """Both URLs name both hosts: after a failover the former primary serves the reads, without a restart."""
    bank: Organization = await mortal.create_organization()
    former, promoted = mortal.primary_server, mortal.standby_server
    hosts = f"postgresql://127.0.0.1:{former.port},127.0.0.1:{promoted.port}/tenancy"
    settings = mortal.settings(database_url=f"{hosts}?target_session_attrs=primary", read_database_url=hosts)
    async with replica_service(settings) as service:
        await service.until_read_from_standby(bank.parent)
        await asyncio.to_thread(former.stop)
        await promote(promoted)
        following = standby_of(promoted, former.folder, port=former.port, durable=False)
        try:
            await asyncio.to_thread(following.start)
            for server in (promoted, following):
                await fetch_value(server, "CHECKPOINT")
            await service.until_read_from_standby(bank.parent, seconds=60)
            for n in range(10):
                await service.rename(bank.parent, f"write {n}")
                assert await service.name_of(bank.parent) == f"write {n}"
            await service.until_read_from_standby(bank.parent)
            assert await service.name_of(bank.parent) == "write 9"
        finally:
            following.kill()
