"""Finds the tenant that a command names, also one that was deleted."""

from uuid import UUID

import asyncpg

from multi_tenant_db.lint.expected import EVENTS, TENANTS
from multi_tenant_db.records.scope import Scope

IS_MIGRATED = "SELECT to_regclass($1) IS NOT NULL"
BY_NAME = f"SELECT organization_id, tenant_id, name FROM {TENANTS} WHERE name = $1 ORDER BY 1, 2"
BY_ID = f"SELECT organization_id, tenant_id, name FROM {TENANTS} WHERE tenant_id = $1 ORDER BY 1, 2"
DELETED_BY_ID = f"""
    SELECT DISTINCT organization_id, tenant_id, NULL::text AS name FROM {EVENTS}
    WHERE tenant_id = $1 AND organization_id <> '{UUID(int=0)}'
    ORDER BY 1, 2
"""


async def find_scopes(connection: asyncpg.Connection, name_or_id: str, *, also_deleted: bool = False) -> list[Scope]:
    """Return the tenants of the name or id; a deleted one is found by its id, if its audit trail is there."""
    if not await connection.fetchval(IS_MIGRATED, TENANTS):
        return []
    try:
        tenant_id = UUID(name_or_id)
    except ValueError:
        rows = await connection.fetch(BY_NAME, name_or_id)
    else:
        rows = await connection.fetch(BY_ID, tenant_id)
        if not rows and also_deleted:
            rows = await connection.fetch(DELETED_BY_ID, tenant_id)
    return [Scope(row["organization_id"], row["tenant_id"], row["name"]) for row in rows]
