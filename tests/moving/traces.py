"""What a move leaves in the catalogues while it is under way."""

import asyncpg

from tests.moving.two_servers import TwoServers

TRACES = """
    SELECT 'publication ' || pubname FROM pg_publication
    UNION ALL
    SELECT 'slot ' || slot_name FROM pg_replication_slots
    UNION ALL
    SELECT 'subscription ' || subname FROM pg_subscription
    UNION ALL
    SELECT 'origin ' || roname FROM pg_replication_origin
    UNION ALL
    SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgfoid = 'tenancy_private.refuse_while_moving'::regproc
    UNION ALL
    SELECT 'identity of ' || oid::regclass::text FROM pg_class WHERE relreplident = 'f' AND relname <> 'quotas'
    UNION ALL
    SELECT 'token held back' FROM tenancy_private.access_tokens WHERE revoked_at = 'infinity'
"""


async def traces(both: TwoServers) -> list[str]:
    """Return those on both servers, with the server's label."""
    found = []
    for label, database in both.databases.items():
        connection = await database.connect_as_admin()
        found += [f"{label}: {row[0]}" for row in await connection.fetch(TRACES)]
        await connection.close()
    return sorted(found)


async def rows_of(connection: asyncpg.Connection, organization_id: object) -> dict[str, list[str]]:
    """Return the organisation's rows in every table that has any, as sorted text; tokens by their hash."""
    queries = {
        "tenants": "SELECT row::text FROM tenancy.tenants AS row WHERE organization_id = $1",
        "events": "SELECT row::text FROM tenancy.tenant_events AS row WHERE organization_id = $1",
        "accounts": "SELECT row::text FROM tenancy.accounts AS row WHERE organization_id = $1",
        "tokens": "SELECT row::text FROM tenancy_private.access_tokens AS row WHERE organization_id = $1",
        "quotas": "SELECT row::text FROM tenancy_private.quotas AS row WHERE organization_id = $1",
        "keys": (
            "SELECT row::text FROM tenancy_private.idempotency_keys AS row"
            " WHERE tenant_id IN (SELECT tenant_id FROM tenancy.tenants WHERE organization_id = $1)"
        ),
    }
    found = {}
    for name, query in queries.items():
        if rows := await connection.fetch(query, organization_id):
            found[name] = sorted([row[0] for row in rows])
    return found
