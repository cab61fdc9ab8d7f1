"""What the audit trail holds, read by whoever is asked to."""

from uuid import UUID

import asyncpg

from tests.support.context import presenting
from tests.support.party import Party

EVENTS_OF = "SELECT event.* FROM tenancy.tenant_events AS event WHERE tenant_id = $1 ORDER BY event_id"
VISIBLE_EVENTS = "SELECT event.* FROM tenancy.tenant_events AS event ORDER BY event_id"


async def events_of(as_admin: asyncpg.Connection, tenant_id: UUID) -> list[asyncpg.Record]:
    """Return everything recorded about a tenant, oldest first, as the superuser sees it."""
    events: list[asyncpg.Record] = await as_admin.fetch(EVENTS_OF, tenant_id)
    return events


async def types_of(as_admin: asyncpg.Connection, tenant_id: UUID) -> list[str]:
    """Return what happened to a tenant, oldest first."""
    return [event["event_type"] for event in await events_of(as_admin, tenant_id)]


async def count_events(as_admin: asyncpg.Connection) -> int:
    """Return how many events there are in all."""
    count: int = await as_admin.fetchval("SELECT count(*) FROM tenancy.tenant_events")
    return count


async def events_seen_by(
    as_api: asyncpg.Connection, party: Party | None, *, as_platform: bool = False
) -> list[asyncpg.Record]:
    """Return the events that a caller sees with his token; None has none."""
    async with presenting(as_api, party.token if party else None, as_platform=as_platform):
        events: list[asyncpg.Record] = await as_api.fetch(VISIBLE_EVENTS)
        return events


async def token_id_of(as_admin: asyncpg.Connection, token: str) -> UUID:
    """Return the id under which a token is recorded."""
    token_id: UUID = await as_admin.fetchval(
        "SELECT token_id FROM tenancy_private.access_tokens WHERE token_hash = sha256(convert_to($1, 'UTF8'))", token
    )
    return token_id
