"""Which server answers a read: the standby while it is near enough, otherwise the primary."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from multi_tenant_db.database.standby_watch import APPLIED, WRITTEN
from tests.reliability.support.until import until
from tests.support.organization import Organization
from tests.support.recorded_log import RecordedLog
from tests.support.replica import Replica, url_of
from tests.support.replica_service import ReplicaService, replica_service
from tests.support.standby import lagging
from tests.support.test_database import TestDatabase

RENAME = "UPDATE tenancy.tenants SET name = $2 WHERE tenant_id = $1"
UNUSED = "a server is not used for reads"
NEVER = 1_000.0
"""A bound that no lag of a test reaches."""


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> RecordedLog:
    """Record what is said about standbys."""
    return RecordedLog.of("database.standby_watch", monkeypatch)


async def reads_of(service: ReplicaService) -> Any:
    """Return what health says."""
    return (await service.client.get("/health")).json()["reads"]


async def test_the_standby_answers(servers: Replica, bank: Organization, as_superuser: asyncpg.Connection) -> None:
    """While the standby does not apply changes and its lag is allowed, a read shows what the standby has."""
    async with replica_service(servers.settings(read_max_lag_seconds=NEVER)) as service:
        await service.until_read_from_standby(bank.parent)
        assert await reads_of(service) == "standby"
        async with lagging(servers.standby_server):
            await as_superuser.execute(RENAME, bank.parent.tenant_id, f"new {bank.parent.name}")
            assert await service.name_of(bank.parent) == bank.parent.name
        await servers.wait_until_applied()
        before = service.reads.reads_on_standby
        assert await service.name_of(bank.parent) == f"new {bank.parent.name}"
        assert service.reads.reads_on_standby == before + 1


async def test_a_standby_that_lags_is_left_and_used_again(
    servers: Replica, bank: Organization, as_superuser: asyncpg.Connection, watched: RecordedLog
) -> None:
    """Beyond the bound all reads go to the primary, health and the log say so; it has caught up, and is used again."""
    async with replica_service(servers.settings(read_max_lag_seconds=1)) as service:
        await service.until_read_from_standby(bank.parent)
        async with lagging(servers.standby_server):
            await as_superuser.execute(RENAME, bank.parent.tenant_id, f"new {bank.parent.name}")
            await service.until_not_fit()
            assert await service.name_of(bank.parent) == f"new {bank.parent.name}"
            assert await reads_of(service) == "primary"
            await watched.until("a standby is too far behind for reads")
        await watched.until("a standby is near enough for reads")
        await service.until_read_from_standby(bank.parent)


@pytest.mark.parametrize(
    ("write", "size", "header"),
    [
        (
            "LOOP PERFORM pg_logical_emit_message(false, 'tests', repeat('x', 30)); EXIT WHEN $ % 8192 = 24; END LOOP;",
            "wal_block_size",
            24,
        ),
        ("PERFORM pg_switch_wal();", "wal_segment_size", 40),
    ],
    ids=["page", "segment"],
)
async def test_an_idle_primary_has_no_lag(
    servers: Replica, as_superuser: asyncpg.Connection, write: str, size: str, header: int
) -> None:
    """A standby that has applied all is near, also where the primary's log ends just before a page or a segment."""
    on_standby = await servers.standby.connect_as_api()
    position = "(pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"
    bytes_over = f"SELECT {position} % pg_size_bytes(current_setting('{size}'))"

    written = 0

    async def all_applied() -> bool:
        return bool(await on_standby.fetchval(APPLIED) >= written)

    async def is_idle_at_the_end() -> bool:
        """Try once more if the server itself writes something meanwhile."""
        nonlocal written
        await as_superuser.execute(f"DO $do$ BEGIN {write.replace('$', position)} END $do$")
        written = await as_superuser.fetchval(WRITTEN)
        await until(all_applied, "the standby has applied all", 10)
        return bool(await as_superuser.fetchval(bytes_over) == header)

    await until(is_idle_at_the_end, "nothing else is written meanwhile", 60)
    await on_standby.close()


async def test_a_standby_of_another_primary_is_not_used(
    servers: Replica, database: TestDatabase, watched: RecordedLog
) -> None:
    """Positions in the logs of two clusters cannot be compared."""
    async with replica_service(database.settings(read_database_url=url_of(servers.standby))) as service:
        await watched.until(UNUSED, cause="it follows another primary")
        assert await reads_of(service) == "primary"


async def test_a_primary_is_not_used(servers: Replica, bank: Organization, watched: RecordedLog) -> None:
    """A read URL that names the primary itself sends no read there by the way of standbys."""
    async with replica_service(servers.settings(read_database_url=url_of(servers.primary))) as service:
        await watched.until(UNUSED, cause="it is the primary")
        assert not await _is_fit(service)
        assert await service.name_of(bank.parent) == bank.parent.name


async def test_a_connection_to_another_server_is_refused(
    servers: Replica, bank: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known of the lag is true of one server, and a load balancer may lead to another: the primary answers."""
    async with replica_service(servers.settings()) as service:
        await service.until_read_from_standby(bank.parent)
        [standby] = service.reads.standbys
        standby.identify(datetime(2000, 1, 1, tzinfo=UTC))  # as if another server were watched
        monkeypatch.setattr(standby, "identify", lambda _started_at: None)
        before = service.reads.reads_on_standby
        for _ in range(5):
            await until(lambda: _is_fit(service), "the standby is near enough")
            assert await service.name_of(bank.parent) == bank.parent.name
        assert service.reads.reads_on_standby == before


async def test_the_fit_one_of_several_hosts_is_used(servers: Replica, bank: Organization) -> None:
    """Each host is watched for itself."""
    ports = [server.admin_url.port for server in (servers.primary, servers.standby)]
    url = f"postgresql://{','.join(f'127.0.0.1:{port}' for port in ports)}/tenancy"
    async with replica_service(servers.settings(read_database_url=url)) as service:
        await service.until_read_from_standby(bank.parent)


async def test_without_one_message_reads_there_is_no_standby(servers: Replica, bank: Organization) -> None:
    """Behind a pooler that allows no named statements all reads go to the primary."""
    async with replica_service(servers.settings(prepared_statements=False)) as service:
        answer = await service.client.get(f"/tenants/{bank.parent.tenant_id}", headers=bank.parent.headers)
        assert answer.status_code == 200
        assert "reads" not in (await service.client.get("/health")).json()


async def _is_fit(service: ReplicaService) -> bool:
    return service.reads.has_fit_standby()
