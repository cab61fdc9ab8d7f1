"""A database of its own with thousands of tenants, to look at plans that small tables would not show."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from sqlalchemy import URL

from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry

ORGANIZATIONS = 5_000
SUBSIDIARIES = 20_000


@dataclass(frozen=True)
class LargeDatabase:
    """Five thousand organisations, most of one tenant, and a giant; a connection as tenancy_api."""

    as_api: asyncpg.Connection
    giant: Organization
    stranger: Party
    operator_token: str

    async def explain(self, statement: str, *, analyze: bool = False) -> list[str]:
        """Return the lines of a plan, in the context that the connection carries."""
        options = "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF" if analyze else "COSTS OFF"
        return [row[0] for row in await self.as_api.fetch(f"EXPLAIN ({options}) {statement}")]


@asynccontextmanager
async def large_database(server_url: URL) -> AsyncIterator[LargeDatabase]:
    """Make the database, fill it as the superuser, and drop it at the end."""
    async with fresh_database(server_url) as database:
        as_api = await database.connect_as_api()
        as_admin = await database.connect_as_admin()
        as_operator = await database.connect_as_operator()
        try:
            await as_api.execute("SET statement_timeout = '60s'")  # a plan is no slower for a busy machine
            registry = Registry(as_operator)
            giant = await registry.create_organization("Giant")
            stranger = await registry.create_tenant("Stranger")
            await as_admin.execute(
                "INSERT INTO tenancy.tenants (tenant_type, name) SELECT 'parent', 'Bank ' || n"
                " FROM generate_series(1, $1) AS n",
                ORGANIZATIONS,
            )
            await as_admin.execute(
                "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name)"
                " SELECT 'subsidiary', $2, 'Branch ' || n FROM generate_series(1, $1) AS n",
                SUBSIDIARIES,
                giant.parent.tenant_id,
            )
            await as_admin.execute("ANALYZE tenancy.tenants, tenancy.tenant_events")
            yield LargeDatabase(as_api, giant, stranger, await registry.issue_operator_token())
        finally:
            for connection in (as_api, as_admin, as_operator):
                await connection.close()
