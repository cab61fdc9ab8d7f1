"""Export and erasure while clients write."""

import asyncio
from collections import Counter
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from multi_tenant_db.database import short_locks
from multi_tenant_db.moving.administration import lock_moves
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.records.certification import erase_and_certify
from multi_tenant_db.records.erasure import erase
from multi_tenant_db.records.scopes import find_scopes
from tests.records.commands import administer
from tests.records.documents import filled_organization
from tests.records.exported import exported, lines_of
from tests.support.context import presenting
from tests.support.organization import Organization
from tests.support.own_service import own_service
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase


class Writers:
    """Clients that create, rename and delete subsidiaries of an organisation, and count the answers."""

    def __init__(self, client: httpx.AsyncClient, organization: Organization) -> None:
        self.statuses: Counter[int] = Counter()
        self._client = client
        self._parent = organization.parent
        self._is_stopped = False

    async def run(self) -> None:
        """Write until stopped."""
        while not self._is_stopped:
            name = f"{self._parent.name} {uuid4()}"
            body = {"name": name, "tenant_type": "subsidiary", "parent_tenant_id": str(self._parent.tenant_id)}
            created = await self._send("POST", "/tenants", body, Idempotency_Key=str(uuid4()))
            if created.status_code == 201:
                path = f"/tenants/{created.json()['tenant_id']}"
                await self._send("PUT", path, {"name": f"{name}, renamed", "metadata": {}})
                if self.statuses[201] % 2:
                    await self._send("DELETE", path)
            await asyncio.sleep(0)

    def stop(self) -> None:
        """End after the tenant at hand."""
        self._is_stopped = True

    async def _send(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        sent = self._parent.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self._client.request(method, path, headers=sent, json=body)
        self.statuses[answer.status_code] += 1
        return answer


async def test_an_organisation_is_erased_while_it_is_used(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    """No write is lost between the rows and the trail; after the erasure every write is refused, and others go on."""
    hsbc = await filled_organization(here, registry_here)
    barclays = await filled_organization(here, registry_here, "Barclays")
    async with own_service(here.settings()) as (_app, client):
        theirs, others = [Writers(client, hsbc) for _ in range(4)], [Writers(client, barclays) for _ in range(2)]
        tasks = [asyncio.create_task(one.run()) for one in (*theirs, *others)]
        try:
            for number in range(3):
                await asyncio.sleep(0.2)
                await exported(admin, hsbc.parent, tmp_path / str(number))
                _check(tmp_path / str(number))
            [scope] = await find_scopes(admin, str(hsbc.parent.tenant_id))
            done = await erase_and_certify(admin, scope, "default")
            refused_at = _count(theirs)[401]
            written = _count(others)[201]
            async with asyncio.timeout(20):
                while _count(others)[201] < written + 5:  # noqa: ASYNC110 - the writers know of no event
                    await asyncio.sleep(0.02)
        finally:
            for one in (*theirs, *others):
                one.stop()
            await asyncio.gather(*tasks)
    assert done.certificate.complete
    assert done.certificate.verification
    again = await erase_and_certify(admin, scope, "default")
    assert again.certificate.complete
    assert not any(again.certificate.deleted_rows.values())
    refused = _count(theirs)
    assert refused.keys() <= {200, 201, 204, 401, 404, 422, 503}, refused  # 422: the parent was erased meanwhile
    assert refused[401] > refused_at
    assert _count(others).keys() <= {200, 201, 204}


def _count(writers: list[Writers]) -> Counter[int]:
    return sum((one.statuses for one in writers), Counter())


def _check(folder: Path) -> None:
    """Require that each tenant of an export has the events that lead to it."""
    tenants = {tenant["tenant_id"]: tenant for tenant in lines_of(folder, "tenancy.tenants")}
    versions: dict[str, int | None] = {}
    for event in lines_of(folder, "tenancy.tenant_events"):
        if event["table_name"] == "tenants":
            versions[event["tenant_id"]] = event.get("new_values", {}).get("version")
    assert {key: value for key, value in versions.items() if value} == {
        key: tenant["version"] for key, tenant in tenants.items()
    }


async def test_a_busy_row_is_tried_again(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that holds a row delays the erasure, which waits for no lock longer than a moment at a time."""
    hsbc = await filled_organization(here, registry_here)
    [scope] = await find_scopes(admin, str(hsbc.parent.tenant_id))
    service = await here.connect_as_api()
    transaction = service.transaction()
    await transaction.start()
    await service.execute("SELECT tenancy.sign_in($1)", hsbc.subsidiaries[1].token)
    await service.execute("UPDATE tenancy.tenants SET metadata = '{\"late\": true}'")
    with monkeypatch.context() as patch:
        patch.setattr(short_locks, "TRIES", 2)
        with pytest.raises(MoveError, match="a long transaction holds locks"):
            await erase(admin, scope)
    assert await admin.fetchval("SELECT count(*) FROM tenancy.tenants WHERE organization_id = $1", scope.tenant_id) == 3
    erasing = asyncio.create_task(erase(admin, scope))
    await asyncio.sleep(0.4)
    assert not erasing.done()
    await transaction.commit()
    erased = await erasing
    await service.close()
    assert erased.rows["tenancy.tenants"] == 3
    late = (
        "SELECT count(*) FROM tenancy.tenant_events AS event WHERE organization_id = $1 AND event::text LIKE '%late%'"
    )
    assert await admin.fetchval(late, scope.organization_id) == 0


async def test_a_row_added_meanwhile_is_erased_too(here: TestDatabase, registry_here: Registry) -> None:
    """An account that a transaction has added, and not yet committed, does not outlive its tenant."""
    hsbc = await filled_organization(here, registry_here)
    child = hsbc.subsidiaries[0]
    service = await here.connect_as_api()
    async with presenting(service, child.token):
        await service.execute(
            "INSERT INTO tenancy.accounts (organization_id, tenant_id, name) VALUES ($1, $2, 'Late')",
            hsbc.parent.tenant_id,
            child.tenant_id,
        )
        erasing = asyncio.create_task(administer(here, "tenant", "erase", str(child.tenant_id), "--yes", "--json"))
        await asyncio.sleep(0.5)
    outcome = await erasing
    await service.close()
    assert outcome.json["complete"] is True
    assert outcome.json["deleted_rows"]["tenancy.accounts"] == 2


async def test_one_command_at_a_time(here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection) -> None:
    """A move, an import or an erasure that is under way on the server is waited for by the operator."""
    hsbc = await filled_organization(here, registry_here)
    other = await here.connect_as_admin()
    await lock_moves(other)
    outcome = await administer(here, "tenant", "erase", hsbc.parent.name, "--yes")
    await other.close()
    assert "is at work on this server" in outcome.complaint
    count = "SELECT count(*) FROM tenancy.tenants WHERE organization_id = $1"
    assert await admin.fetchval(count, hsbc.parent.tenant_id) == 3
