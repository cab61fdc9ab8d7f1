"""A standby that fails: every read is answered by the primary, without an error, until it is back."""

import asyncio
import os
import signal

import asyncpg
import pytest

from multi_tenant_db.development.processes import children_of
from tests.reliability.support.faults import TERMINATE
from tests.standby.readers import SECONDS_TO_ANSWER, Readers
from tests.support.organization import Organization
from tests.support.replica import Replica
from tests.support.replica_service import replica_service

pytestmark = pytest.mark.exhaustive


async def test_a_killed_standby_is_not_missed(servers: Replica, bank: Organization) -> None:
    """Reads go on while it is killed and while it is away; it is used again when it is back."""
    async with replica_service(servers.settings()) as service:
        await service.until_read_from_standby(bank.parent)
        async with Readers.at_work(service, bank) as readers:
            await asyncio.to_thread(servers.standby_server.kill)
            await service.until_not_fit()
            await readers.read_more()
        assert set(readers.statuses) == {200}
        await asyncio.to_thread(servers.standby_server.start)
        await service.until_read_from_standby(bank.parent)


async def test_a_frozen_standby_is_not_waited_for(servers: Replica, bank: Organization) -> None:
    """Reads that it has received already are repeated on the primary, long before the time limit of a statement."""
    async with replica_service(servers.settings(command_timeout_seconds=4 * SECONDS_TO_ANSWER)) as service:
        await service.until_read_from_standby(bank.parent)
        assert servers.standby_server.pid is not None
        processes = [servers.standby_server.pid, *children_of(servers.standby_server.pid)]
        try:
            async with Readers.at_work(service, bank) as readers:
                for process_id in processes:
                    os.kill(process_id, signal.SIGSTOP)
                await service.until_not_fit()
                await readers.read_more()
        finally:
            for process_id in processes:
                os.kill(process_id, signal.SIGCONT)
        assert set(readers.statuses) == {200}
        await service.until_read_from_standby(bank.parent)


async def test_terminated_connections_are_not_missed(servers: Replica, bank: Organization) -> None:
    """Also where only the connections are lost, as by a recovery conflict."""
    admin = await servers.standby.connect_as_admin()
    async with replica_service(servers.settings()) as service:
        await service.until_read_from_standby(bank.parent)
        async with Readers.at_work(service, bank) as readers:
            for _ in range(10):
                await admin.execute(TERMINATE)
                await readers.read_more()
        assert set(readers.statuses) == {200}
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
            async with Readers.at_work(service, bank) as readers:
                for _ in range(20):
                    async with admin.transaction():
                        await admin.execute("LOCK TABLE tenancy.tenants IN ACCESS EXCLUSIVE MODE")
                    await readers.read_more(8)
            assert set(readers.statuses) == {200}
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
            async with Readers.at_work(service, bank) as readers:
                await readers.read_more(20 * 8)
            assert set(readers.statuses) == {200}
        finally:
            for connection in taken:
                await connection.close()
