"""A standby that fails: every read is answered by the primary, without an error, until it is back."""

import asyncio
import os
import signal
from collections import Counter

import asyncpg
import pytest

from multi_tenant_db.development.processes import children_of
from tests.reliability.support.faults import TERMINATE
from tests.support.organization import Organization
from tests.support.replica import Replica
from tests.support.replica_service import ReplicaService, replica_service

pytestmark = pytest.mark.exhaustive

READERS = 8
SECONDS_TO_ANSWER = 8
"""Less than the time limit of a statement, which a silent standby would use up."""


async def read_until(service: ReplicaService, bank: Organization, done: asyncio.Event) -> Counter[int]:
    """Let several readers read; return how often which status came."""
    statuses: Counter[int] = Counter()

    async def read() -> None:
        while not done.is_set():
            async with asyncio.timeout(SECONDS_TO_ANSWER):
                answer = await service.client.get("/tenants", headers=bank.parent.headers)
            statuses[answer.status_code] += 1

    await asyncio.gather(*(read() for _ in range(READERS)))
    return statuses


async def test_a_killed_standby_is_not_missed(servers: Replica, bank: Organization) -> None:
    """Reads go on while it is killed and while it is away; it is used again when it is back."""
    async with replica_service(servers.settings()) as service:
        await service.until_read_from_standby(bank.parent)
        done = asyncio.Event()
        reading = asyncio.create_task(read_until(service, bank, done))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(servers.standby_server.kill)
        await service.until_not_fit()
        await asyncio.sleep(0.3)
        done.set()
        statuses = await reading
        assert set(statuses) == {200}
        await asyncio.to_thread(servers.standby_server.start)
        await service.until_read_from_standby(bank.parent)


async def test_a_frozen_standby_is_not_waited_for(servers: Replica, bank: Organization) -> None:
    """Reads that it has received already are repeated on the primary, long before the time limit of a statement."""
    async with replica_service(servers.settings(command_timeout_seconds=4 * SECONDS_TO_ANSWER)) as service:
        await service.until_read_from_standby(bank.parent)
        assert servers.standby_server.pid is not None
        processes = [servers.standby_server.pid, *children_of(servers.standby_server.pid)]
        done = asyncio.Event()
        reading = asyncio.create_task(read_until(service, bank, done))
        await asyncio.sleep(0.3)
        for process_id in processes:
            os.kill(process_id, signal.SIGSTOP)
        try:
            await service.until_not_fit()
            await asyncio.sleep(0.3)
            done.set()
            statuses = await reading
        finally:
            for process_id in processes:
                os.kill(process_id, signal.SIGCONT)
        assert set(statuses) == {200}
        await service.until_read_from_standby(bank.parent)


async def test_terminated_connections_are_not_missed(servers: Replica, bank: Organization) -> None:
    """Also where only the connections are lost, as by a recovery conflict."""
    admin = await servers.standby.connect_as_admin()
    async with replica_service(servers.settings()) as service:
        await service.until_read_from_standby(bank.parent)
        done = asyncio.Event()
        reading = asyncio.create_task(read_until(service, bank, done))
        for _ in range(10):
            await admin.execute(TERMINATE)
            await asyncio.sleep(0.1)
        done.set()
        assert set(await reading) == {200}
        await service.until_read_from_standby(bank.parent)
    await admin.close()


async def test_a_read_in_conflict_with_recovery_is_repeated(servers: Replica, bank: Organization) -> None:
    """The standby cancels a read (SQLSTATE 40001) whose lock stops it from applying changes: the primary answers."""
    admin = await servers.primary.connect_as_admin()
    on_standby = await servers.standby.connect_as_admin()
    await on_standby.execute("ALTER SYSTEM SET max_standby_streaming_delay = 0")
    await on_standby.execute("SELECT pg_reload_conf()")
    try:
        async with replica_service(servers.settings(read_max_lag_seconds=1_000)) as service:
            await service.until_read_from_standby(bank.parent)
            done = asyncio.Event()
            reading = asyncio.create_task(read_until(service, bank, done))
            for _ in range(20):
                async with admin.transaction():
                    await admin.execute("LOCK TABLE tenancy.tenants IN ACCESS EXCLUSIVE MODE")
                await asyncio.sleep(0.05)
            done.set()
            assert set(await reading) == {200}
    finally:
        await on_standby.execute("ALTER SYSTEM RESET max_standby_streaming_delay")
        await on_standby.execute("SELECT pg_reload_conf()")
        await on_standby.close()
        await admin.close()


async def test_a_standby_without_room_is_not_missed(servers: Replica, bank: Organization) -> None:
    """Where it accepts no more connections the primary answers."""
    async with replica_service(servers.settings()) as service:
        await service.until_read_from_standby(bank.parent)
        taken: list[asyncpg.Connection] = []
        try:
            while True:
                taken.append(await servers.standby.connect_as_operator())
        except asyncpg.TooManyConnectionsError:
            pass
        try:
            done = asyncio.Event()
            reading = asyncio.create_task(read_until(service, bank, done))
            await asyncio.sleep(1)
            done.set()
            assert set(await reading) == {200}
        finally:
            for connection in taken:
                await connection.close()
