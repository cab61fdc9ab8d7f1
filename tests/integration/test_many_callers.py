"""A hundred organisations at once read no row of another organisation."""

import asyncio
import os
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.support.careful_client import CarefulClient
from tests.support.extent import EXHAUSTIVE
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.served_process import served
from tests.support.test_database import TestDatabase

LONG = os.environ.get("MTDB_LONG") == "1"
CALLERS = 100 if EXHAUSTIVE else 40
REQUESTS_OF_EACH = 100 if LONG else 12


async def leftovers_of_others(admin: asyncpg.Connection, organizations: list[Organization]) -> int:
    """Return how many tenants, as they are stored, bear a name that their organisation did not give."""
    found: int = await admin.fetchval(
        "SELECT count(*) FROM tenancy.tenants AS tenant"
        " JOIN unnest($1::uuid[], $2::text[]) AS own (organization_id, mark) USING (organization_id)"
        " WHERE NOT starts_with(tenant.name, own.mark)",
        [organization.parent.tenant_id for organization in organizations],
        [organization.parent.name for organization in organizations],
    )
    return found


@pytest.mark.exhaustive
async def test_each_answer_holds_only_the_callers_rows(
    database: TestDatabase,
    registry: Registry,
    as_admin: asyncpg.Connection,
    tmp_path: Path,
    record_property: Callable[[str, str], None],
) -> None:
    """Every answer to each of a hundred concurrent clients is its own organisation's exact state; none is a 5xx."""
    organizations = [await registry.create_organization(f"Bank {number}") for number in range(CALLERS)]
    async with AsyncExitStack() as stack:
        service = stack.enter_context(served(database, folder=tmp_path))
        verify = ssl.create_default_context()
        clients = []
        for number, organization in enumerate(organizations):
            client = httpx.AsyncClient(base_url=service.url, verify=verify, timeout=60)
            strangers = [*organizations[:number], *organizations[number + 1 :]]
            hidden = [party.tenant_id for stranger in strangers for party in stranger.parties]
            await stack.enter_async_context(client)
            clients.append(CarefulClient(client, organization, hidden, seed=number))
        async with asyncio.TaskGroup() as group:
            for careful in clients:
                group.create_task(careful.run(REQUESTS_OF_EACH))
    statuses = sum((careful.statuses for careful in clients), Counter[int]())
    told = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
    record_property(
        f"{CALLERS} organisations at once", f"{statuses.total():,} answers, each compared with what it must be ({told})"
    )
    assert statuses.total() >= CALLERS * REQUESTS_OF_EACH
    assert set(statuses) == {200, 201, 204, 400, 401, 403, 404, 409, 412, 422}
    assert await leftovers_of_others(as_admin, organizations) == 0
    # At its start the service says that a newer release of the server is safer; there is nothing else to warn of.
    assert [line for line in service.log_text().splitlines() if '"event": "server-' not in line] == []
