"""An organisation moves to a database of its own, as docs/how-to/growing.md says."""

from uuid import UUID

import asyncpg
from sqlalchemy import URL

from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.test_database import TestDatabase

TABLES = ("tenancy.tenants", "tenancy_private.access_tokens", "tenancy.tenant_events")
COLUMNS = """
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
    FROM pg_catalog.pg_attribute
    WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
"""
EVERYTHING = "SELECT * FROM tenancy.tenants ORDER BY organization_id, tenant_id"


async def move(organization_id: UUID, source: asyncpg.Connection, target: asyncpg.Connection) -> None:
    """Copy the organisation's rows, as an administrator and without triggers, then delete them where they were."""
    await target.execute("SET session_replication_role = replica")
    for table in TABLES:
        columns = await source.fetchval(COLUMNS, table)
        rows = await source.fetch(f"SELECT {columns} FROM {table} WHERE organization_id = $1", organization_id)
        places = ", ".join(f"${n}" for n in range(1, len(columns.split(", ")) + 1))
        await target.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", [tuple(row) for row in rows])
    await source.execute("SET session_replication_role = replica")
    for table in reversed(TABLES):
        await source.execute(f"DELETE FROM {table} WHERE organization_id = $1", organization_id)
    await source.execute("RESET session_replication_role")


async def seen(database: TestDatabase, token: str) -> list[asyncpg.Record] | None:
    """Return what a caller sees, None if the token is not valid."""
    connection = await database.connect_as_api()
    try:
        async with connection.transaction():
            await connection.execute("SELECT tenancy.sign_in($1)", token)
            return list(await connection.fetch(EVERYTHING))
    except asyncpg.InvalidAuthorizationSpecificationError:
        return None
    finally:
        await connection.close()


async def test_an_organisation_moves_with_its_tokens(
    database: TestDatabase, server_url: URL, hsbc: Organization, barclays: Organization
) -> None:
    """Every tenant sees the same rows on the target and none on the source; other organisations are not affected."""
    before = {party.token: await seen(database, party.token) for party in hsbc.parties}
    theirs = await seen(database, barclays.parent.token)
    async with fresh_database(server_url) as its_own:
        source, target = await database.connect_as_admin(), await its_own.connect_as_admin()
        try:
            await move(hsbc.parent.tenant_id, source, target)
        finally:
            await source.close()
            await target.close()
        for token, tenants in before.items():
            assert tenants
            assert await seen(its_own, token) == tenants
            assert await seen(database, token) is None
        assert await seen(its_own, barclays.parent.token) is None
    assert await seen(database, barclays.parent.token) == theirs
