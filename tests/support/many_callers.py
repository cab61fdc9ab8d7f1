"""Many organisations' clients at once, each of which knows exactly what it must be answered."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack

import asyncpg
import httpx

from tests.support.careful_client import CarefulClient
from tests.support.organization import Organization

STATUSES = {200, 201, 204, 400, 401, 403, 404, 409, 412, 422}
"""What their requests provoke; no 5xx."""


async def ask_as(url: str, organizations: Sequence[Organization], requests_of_each: int) -> Counter[int]:
    """Let a client of each organisation send requests of all kinds; return the statuses of the right answers."""
    async with AsyncExitStack() as stack:
        verify = ssl.create_default_context()
        clients = []
        for number, organization in enumerate(organizations):
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, verify=verify, timeout=60))
            strangers = [*organizations[:number], *organizations[number + 1 :]]
            hidden = [party.tenant_id for stranger in strangers for party in stranger.parties]
            clients.append(CarefulClient(client, organization, hidden, seed=number))
        async with asyncio.TaskGroup() as group:
            for careful in clients:
                group.create_task(careful.run(requests_of_each))
    return sum((careful.statuses for careful in clients), Counter[int]())


def told(statuses: Counter[int]) -> str:
    """Describe the answers for the report."""
    counts = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
    return f"{statuses.total():,} answers, each compared with what it must be ({counts})"


async def leftovers_of_others(admin: asyncpg.Connection, organizations: Sequence[Organization]) -> int:
    """Return how many tenants, as they are stored, bear a name that their organisation did not give."""
    found: int = await admin.fetchval(
        "SELECT count(*) FROM tenancy.tenants AS tenant"
        " JOIN unnest($1::uuid[], $2::text[]) AS own (organization_id, mark) USING (organization_id)"
        " WHERE NOT starts_with(tenant.name, own.mark)",
        [organization.parent.tenant_id for organization in organizations],
        [organization.parent.name for organization in organizations],
    )
    return found


async def strays(admin: asyncpg.Connection, organizations: Sequence[Organization]) -> int:
    """Return how many rows of these organisations, which live elsewhere, are stored here."""
    found: int = await admin.fetchval(
        "SELECT (SELECT count(*) FROM tenancy.tenants WHERE organization_id = ANY ($1::uuid[]))"
        " + (SELECT count(*) FROM tenancy.tenant_events WHERE organization_id = ANY ($1::uuid[]))",
        [organization.parent.tenant_id for organization in organizations],
    )
    return found
