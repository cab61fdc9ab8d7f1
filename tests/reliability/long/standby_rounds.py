"""How long a standby's reads lack a revocation or a change, and that they never lack the caller's own writes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from time import monotonic

from tests.reliability.long.standby_record import StandbyRecord
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.replica import Replica, replica
from tests.support.replica_service import ReplicaService, replica_service
from tests.support.standby import lagging

WRITERS = 8
IDLE, LOADED, PAUSED = "no other request", f"{WRITERS} writers that read what they wrote", "the standby applies nothing"
SITUATIONS = (IDLE, LOADED, PAUSED)
RENAME = "UPDATE tenancy.tenants SET name = $2 WHERE tenant_id = $1"
OWN_WRITES = 10
OK = 200


async def standby_rounds(rounds: int) -> AsyncIterator[StandbyRecord]:
    """Give each situation's record after each of its rounds; the bound on the lag is the default."""
    async with replica(durable=True) as servers, replica_service(servers.settings()) as service:
        for situation in SITUATIONS:
            record = StandbyRecord(situation)
            async with _writing(servers, service, record) if situation == LOADED else nullcontext():
                for _ in range(rounds):
                    await _revoke(servers, service, record)
                    await _change(servers, service, record)
                    yield record


async def _revoke(servers: Replica, service: ReplicaService, record: StandbyRecord) -> None:
    """Revoke a token, and use it until it is refused."""
    bank = await servers.create_organization()
    operator = await servers.primary.connect_as_operator()
    registry, head = Registry(operator), bank.parent
    party = Party(head.tenant_id, head.name, await registry.issue_token(head.tenant_id, head.tenant_id))
    await service.until_read_from_standby(party)
    async with _replay_of(servers, record):
        await registry.revoke(party.token)
        revoked_at, last = monotonic(), 0.0
        while True:
            sent = monotonic() - revoked_at
            status, _ = await _read(service, party, record)
            if status != OK:
                break
            last = sent
    record.revoked_accepted.append(last)
    await operator.close()


async def _change(servers: Replica, service: ReplicaService, record: StandbyRecord) -> None:
    """Change a name past the service, and read it until the change shows; then write through the service."""
    bank = await servers.create_organization()
    admin = await servers.primary.connect_as_admin()
    head = bank.parent
    await service.until_read_from_standby(head)
    async with _replay_of(servers, record):
        await admin.execute(RENAME, head.tenant_id, f"new {head.name}")
        changed_at, last = monotonic(), 0.0
        while True:
            sent = monotonic() - changed_at
            _, name = await _read(service, head, record)
            if name != head.name:
                break
            last = sent
        await _write_and_read(service, bank, record)
    record.changes_unseen.append(last)
    await admin.close()


async def _read(service: ReplicaService, party: Party, record: StandbyRecord) -> tuple[int, str | None]:
    """Read the party's tenant; count who answered, and anything but 200 and 401."""
    standby, primary = service.reads.reads_on_standby, service.reads.reads_on_primary
    answer = await service.client.get(f"/tenants/{party.tenant_id}", headers=party.headers)
    record.reads_on_standby += service.reads.reads_on_standby - standby
    record.reads_on_primary += service.reads.reads_on_primary - primary
    record.failures += answer.status_code not in {OK, 401}
    return answer.status_code, answer.json().get("name")


async def _write_and_read(service: ReplicaService, bank: Organization, record: StandbyRecord) -> None:
    for n in range(OWN_WRITES):
        await service.rename(bank.parent, f"write {n}")
        _, name = await _read(service, bank.parent, record)
        record.own_writes += 1
        record.own_writes_unseen += name != f"write {n}"


@asynccontextmanager
async def _writing(servers: Replica, service: ReplicaService, record: StandbyRecord) -> AsyncIterator[None]:
    """Let other organisations write and read meanwhile."""
    done = asyncio.Event()

    async def write() -> None:
        bank = await servers.create_organization()
        while not done.is_set():
            await _write_and_read(service, bank, record)

    async with asyncio.TaskGroup() as group:
        for _ in range(WRITERS):
            group.create_task(write())
        try:
            yield
        finally:
            done.set()


def _replay_of(servers: Replica, record: StandbyRecord) -> AbstractAsyncContextManager[None]:
    return lagging(servers.standby_server) if record.situation == PAUSED else nullcontext()
