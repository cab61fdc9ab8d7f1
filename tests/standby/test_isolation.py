"""Isolation does not depend on which server answers: the essentials, read from the standby."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from multi_tenant_db.lint.safety_check import check_database
from tests.support.engines import pool
from tests.support.organization import Organization
from tests.support.recorded_log import RecordedLog
from tests.support.replica import Replica
from tests.support.replica_service import ReplicaService, replica_service


@pytest.fixture
async def service(servers: Replica, bank: Organization, other_bank: Organization) -> AsyncIterator[ReplicaService]:
    """Run a service with one connection to the standby, where all callers read by turns."""
    async with replica_service(servers.settings(read_max_lag_seconds=1_000, pool_size=1)) as service:
        for party in (*bank.parties, *other_bank.parties):
            await service.until_read_from_standby(party)
        yield service


async def test_each_caller_sees_its_own_on_the_standby(
    service: ReplicaService, bank: Organization, other_bank: Organization
) -> None:
    """On one connection: lists hold what is one's own, and a hidden tenant is the same 404 as an absent one."""
    asked = service.reads.reads_on_standby
    parties = [*bank.parties, *other_bank.parties]
    for organization in (bank, other_bank):
        for reader in organization.parties:
            own = {party.tenant_id for party in (organization.parties if reader is organization.parent else [reader])}
            listed = await service.client.get("/tenants", headers=reader.headers)
            assert {item["tenant_id"] for item in listed.json()["items"]} == set(map(str, own))
            absent = await service.client.get(f"/tenants/{uuid4()}", headers=reader.headers)
            asked += 2
            for party in parties:
                answer = await service.client.get(f"/tenants/{party.tenant_id}", headers=reader.headers)
                asked += 1
                if party.tenant_id in own:
                    assert (answer.status_code, answer.json()["name"]) == (200, party.name)
                else:
                    hidden, missing = answer.json(), absent.json()
                    assert answer.status_code == absent.status_code == 404
                    assert {k: v for k, v in hidden.items() if k not in {"request_id", "instance"}} == {
                        k: v for k, v in missing.items() if k not in {"request_id", "instance"}
                    }
    assert service.reads.reads_on_standby == asked


@pytest.mark.parametrize("token", ["mtdb_nonsense", "x", "mtdb_b.nonsense"])
async def test_an_invalid_token_never_reaches_the_standby(service: ReplicaService, token: str) -> None:
    """What the primary has not verified is not asked for elsewhere."""
    before = service.reads.reads_on_standby
    answer = await service.client.get("/tenants", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert service.reads.reads_on_standby == before


async def test_the_safety_check_passes_on_the_standby(servers: Replica) -> None:
    """It runs before a standby is used, and finds the same catalogue as on the primary."""
    async with pool(servers.standby) as standby, pool(servers.primary) as primary:
        found = [(await check_database(engine)).findings for engine in (standby, primary)]
    assert found[0] == found[1]
    assert not [finding for finding in found[0] if not finding.is_warning]


async def test_an_unsafe_database_is_not_read(
    servers: Replica, bank: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role that the policies do not bind is refused on the standby as at the start."""
    log = RecordedLog.of("database.standby_watch", monkeypatch)
    url = servers.standby.admin_url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with replica_service(servers.settings(read_database_url=url)) as service:
        await log.until("a server is not used for reads", cause="UnsafeDatabaseError")
        for _ in range(3):
            answer = await service.client.get("/tenants", headers=bank.parent.headers)
            assert answer.status_code == 200
        assert service.reads.reads_on_standby == 0
