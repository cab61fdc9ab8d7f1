"""A caller reads its own writes at once, however far the standby is behind."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from multi_tenant_db.development.ports import free_port
from tests.reliability.support.until import until
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.replica import Replica, url_of
from tests.support.replica_service import ReplicaService, replica_service
from tests.support.requests import create, delete, new_subsidiary
from tests.support.served_process import served
from tests.support.standby import lagging

NEVER = 1_000.0
"""A bound that no lag of a test reaches."""
ROUNDS = 20
READ_FROM_STANDBY = 'mtdb_reads_total{server="default",source="standby"'


@pytest.fixture
async def service(servers: Replica) -> AsyncIterator[ReplicaService]:
    """Run a service that reads from the standby, whatever its lag."""
    async with replica_service(servers.settings(read_max_lag_seconds=NEVER)) as service:
        yield service


async def test_every_kind_of_write_is_read_at_once(
    servers: Replica, service: ReplicaService, bank: Organization
) -> None:
    """A creation, a replacement and a deletion are seen by the next read of anyone in the organisation."""
    head, branch = bank.parent, bank.subsidiaries[0]
    for party in bank.parties:
        await service.until_read_from_standby(party)
    async with lagging(servers.standby_server):
        await service.rename(branch, "written by the branch")
        assert [await service.name_of(branch, reader) for reader in (branch, head)] == ["written by the branch"] * 2
        created = await create(service.client, head, new_subsidiary(head))
        assert created.status_code == 201
        assert (await service.client.get(created.headers["Location"], headers=head.headers)).status_code == 200
        listed = await service.client.get("/tenants", headers=head.headers)
        assert len(listed.json()["items"]) == len(bank.parties) + 1
        assert (await delete(service.client, head, created.json()["tenant_id"])).status_code == 204
        assert (await service.client.get(created.headers["Location"], headers=head.headers)).status_code == 404
        assert service.reads.has_fit_standby()
    await service.until_read_from_standby(head)


async def test_other_organizations_are_read_from_the_standby_meanwhile(
    servers: Replica, service: ReplicaService, bank: Organization, other_bank: Organization
) -> None:
    """A write sends only its own organisation's reads to the primary."""
    await service.until_read_from_standby(bank.parent)
    await service.until_read_from_standby(other_bank.parent)
    async with lagging(servers.standby_server):
        await service.rename(bank.parent, "written")
        primary, standby = service.reads.reads_on_primary, service.reads.reads_on_standby
        assert await service.name_of(bank.parent) == "written"
        assert await service.name_of(other_bank.parent) == other_bank.parent.name
        assert (service.reads.reads_on_primary, service.reads.reads_on_standby) == (primary + 1, standby + 1)


async def test_a_platform_operators_write_is_read_at_once(
    servers: Replica, service: ReplicaService, bank: Organization
) -> None:
    """It may have written in any organisation."""
    operator = await servers.primary.connect_as_operator()
    platform_operator = Party(bank.parent.tenant_id, "operator", await Registry(operator).issue_operator_token())
    await operator.close()
    await service.until_read_from_standby(bank.parent)
    async with lagging(servers.standby_server):
        await service.name_of(bank.parent, platform_operator)
        before = service.reads.reads_on_standby
        assert await service.name_of(bank.parent) == bank.parent.name
        assert service.reads.reads_on_standby == before + 1  # a platform operator's read is no write
        await service.rename(bank.parent, "written by the platform", platform_operator)
        assert await service.name_of(bank.parent) == "written by the platform"


async def test_writers_read_what_they_wrote(servers: Replica, service: ReplicaService) -> None:
    """Eight organisations write and read by turns, while the standby applies as fast as it can."""

    async def write_and_read(party: Party) -> None:
        for n in range(ROUNDS):
            await service.rename(party, f"round {n}")
            assert await service.name_of(party) == f"round {n}"

    banks = [await servers.create_organization() for _ in range(8)]
    await asyncio.gather(*(write_and_read(bank.parent) for bank in banks))
    for bank in banks:
        await service.until_read_from_standby(bank.parent)
        assert await service.name_of(bank.parent) == f"round {ROUNDS - 1}"


@pytest.mark.exhaustive
async def test_a_write_through_one_worker_is_read_through_another(servers: Replica, bank: Organization) -> None:
    """Of two worker processes each knows of the other's writes before the writer has its response."""
    metrics_port = free_port()
    head, url = bank.parent, url_of(servers.standby)
    # A connection for each request, so that both workers get some.
    limits = httpx.Limits(max_keepalive_connections=0)
    with served(
        servers.primary, workers=2, read_database_url=url, read_max_lag_seconds=NEVER, metrics_port=metrics_port
    ) as process:
        async with httpx.AsyncClient(base_url=process.url, headers=head.headers, limits=limits) as client:
            path = f"/tenants/{head.tenant_id}"

            async def both_read_from_standby() -> bool:
                assert [(await client.get(path)).status_code for _ in range(ROUNDS)] == [200] * ROUNDS
                metrics = await client.get(f"http://127.0.0.1:{metrics_port}/metrics")
                counts = [line.split() for line in metrics.text.splitlines() if line.startswith(READ_FROM_STANDBY)]
                return len(counts) == 2 and all(float(count) > 0 for _, count in counts)

            await until(both_read_from_standby, "both workers read from the standby", 60)
            stale = []
            async with lagging(servers.standby_server):
                for n in range(ROUNDS):
                    written = await client.put(path, json={"name": f"round {n}", "metadata": {}})
                    assert written.status_code == 200
                    names = [(await client.get(path)).json()["name"] for _ in range(4)]
                    stale += [name for name in names if name != f"round {n}"]
    assert stale == []
