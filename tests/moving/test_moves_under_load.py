"""An organisation moves while its clients, and another organisation's, go on writing over HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx

from multi_tenant_db.moving.move_step import MoveStep
from tests.moving.filled import as_admin, filled_organization
from tests.moving.moved import moved
from tests.moving.traces import rows_of, traces
from tests.moving.two_servers import HERE, THERE, TwoServers
from tests.moving.writer import Writer
from tests.support.registry import Registry
from tests.support.served_process import served

WRITERS = 4

log = logging.getLogger(__name__)


async def test_no_acknowledged_write_is_lost(both: TwoServers, registry_here: Registry) -> None:
    """Every acknowledged write is there once, with its event; refusals are 503 with Retry-After, and others' never."""
    hsbc = await filled_organization(both, registry_here)
    barclays = await filled_organization(both, registry_here, "Barclays")
    organization_id = hsbc.parent.tenant_id
    for bank in (hsbc, barclays):
        await registry_here.set_quota(bank.parent.tenant_id, 100_000)
    async with as_admin(both, HERE) as here:
        events_before = len((await rows_of(here, organization_id))["events"])
    async with AsyncExitStack() as stack:
        service = stack.enter_context(served(both.databases[HERE], servers__b=both.urls()[THERE], pool_size=8))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=service.url, timeout=30))
        ours = [Writer(client, hsbc) for _ in range(WRITERS)]
        theirs = [Writer(client, barclays) for _ in range(2)]

        async with asyncio.TaskGroup() as running:  # a writer that fails ends the move
            for writer in (*ours, *theirs):
                running.create_task(writer.run())
            for writer in (*ours, *theirs):
                await writer.writes_once_more()
            await moved(both, organization_id, at={MoveStep.FROZEN: ours[0].was_refused.wait}, max_pause=20)
            for writer in (*ours, *theirs):
                await writer.writes_once_more()
                writer.stop()

        refused = sorted(moment for writer in ours for moment in writer.refused_at)
        log.info("%d refused over HTTP in %.3f s", len(refused), refused[-1] - refused[0])
        assert not any(writer.refused_at for writer in theirs)
        listed = [tenant async for tenant in listed_tenants(client, hsbc.parent.headers)]
        stored = {tenant_id: tenant for writer in ours for tenant_id, tenant in writer.stored.items()}
        known = {str(party.tenant_id) for party in hsbc.parties}
        assert {tenant["tenant_id"]: tenant for tenant in listed if tenant["tenant_id"] not in known} == stored
        assert len(listed) == len(stored) + len(known)
        for writer in ours:
            for key, (body, tenant_id) in writer.keys.items():
                again = await client.post(
                    "/tenants", json=body, headers={**hsbc.parent.headers, "Idempotency-Key": key}
                )
                assert (again.status_code, again.json()["tenant_id"]) == (201, tenant_id)
    async with as_admin(both, HERE) as here, as_admin(both, THERE) as there:
        events = (await rows_of(there, organization_id))["events"]
        assert len(events) == events_before + sum(writer.writes for writer in ours)
        assert await rows_of(here, organization_id) == {}
    assert await traces(both) == []


async def listed_tenants(client: httpx.AsyncClient, headers: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
    """Read all pages."""
    path: str | None = "/tenants"
    while path:
        page = (await client.get(path, headers=headers)).json()
        for tenant in page["items"]:
            yield tenant
        path = f"/tenants?cursor={page['next_cursor']}" if page["next_cursor"] else None
