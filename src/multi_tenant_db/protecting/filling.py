"""The owner's copy of the tenants' keys, from which tables fill in the organisation."""

import asyncpg

from multi_tenant_db.lint.expected import TENANTS
from multi_tenant_db.protecting.session import change, execute_all

KNOWN = "tenancy_private.organizations_of_tenants"
TRIGGER = "tenants_remember_organization"
LOOK_UP = "tenancy_private.look_up_organization"
BATCH = 5_000
NIL = "00000000-0000-0000-0000-000000000000"

IS_NEEDED = f"SELECT EXISTS (SELECT FROM pg_trigger WHERE tgfoid = '{LOOK_UP}'::regproc)"
IS_ENABLED = f"SELECT tgenabled <> 'D' FROM pg_trigger WHERE tgrelid = '{TENANTS}'::regclass AND tgname = '{TRIGGER}'"

COPY = f"""
    WITH page AS (
        SELECT tenant.organization_id, tenant.tenant_id
        FROM {TENANTS} AS tenant
        WHERE (tenant.organization_id, tenant.tenant_id) > ($1::uuid, $2::uuid)
        ORDER BY tenant.organization_id, tenant.tenant_id
        LIMIT {BATCH}
        FOR KEY SHARE
    ), added AS (
        INSERT INTO {KNOWN} (organization_id, tenant_id)
        SELECT page.organization_id, page.tenant_id
        FROM page
        ON CONFLICT DO NOTHING
    )
    SELECT page.organization_id, page.tenant_id
    FROM page
    ORDER BY page.organization_id DESC, page.tenant_id DESC
    LIMIT 1
"""
"""A superuser's: the tenants are hidden from the owner. A tenant that is being deleted is waited for."""


async def start(connection: asyncpg.Connection) -> None:
    """Copy the keys of all tenants, and keep the copy up to date."""
    if not await connection.fetchval(IS_ENABLED):
        await change(connection, lambda: execute_all(connection, f"ALTER TABLE {TENANTS} ENABLE TRIGGER {TRIGGER}"))
    last: asyncpg.Record | None = {"organization_id": NIL, "tenant_id": NIL}
    while last is not None:
        last = await connection.fetchrow(COPY, last["organization_id"], last["tenant_id"])


async def finish(connection: asyncpg.Connection) -> None:
    """Empty the copy, unless a table still needs it. Also clears up after a command that was interrupted."""
    if not await connection.fetchval(IS_ENABLED) or await connection.fetchval(IS_NEEDED):
        return
    await change(
        connection,
        lambda: execute_all(connection, f"ALTER TABLE {TENANTS} DISABLE TRIGGER {TRIGGER}", f"TRUNCATE {KNOWN}"),
    )
