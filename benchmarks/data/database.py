"""A database with the service's schema and many organisations."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch
from uuid import UUID

import asyncpg
from sqlalchemy import make_url

from benchmarks.data.caller import Caller
from benchmarks.data.server import Server
from multi_tenant_db.identity.access_token import hash_access_token, new_access_token
from multi_tenant_db.schema import installation

PASSWORD = "bench"
PLAIN_PASSWORD = "plain"
PEERS = Path(__file__).parents[1] / "peers"
PLAIN_VARIABLE, GOVERNED = PEERS / "plain_variable.sql", PEERS / "rowstile" / "tables.sql"
ROWSTILE = Path(sys.executable).parent / "rowstile"
LIFETIME = timedelta(days=1)
METADATA = '{"country": "GB", "bic": "BANKGB2LXXX", "currency": "GBP", "business_unit": "Wealth"}'

ADD_PARENTS = """
    INSERT INTO tenancy.tenants (tenant_type, name, metadata)
    SELECT 'parent', 'Bank ' || n, $2::jsonb FROM generate_series(1, $1::int) AS n
    RETURNING tenant_id
"""
ADD_SUBSIDIARIES = """
    INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name, metadata)
    SELECT 'subsidiary', parent, 'Branch ' || n, $3::jsonb
    FROM unnest($1::uuid[]) AS parent CROSS JOIN generate_series(1, $2::int) AS n
"""
ADD_EVENTS = """
    INSERT INTO tenancy.tenant_events (organization_id, tenant_id, event_type, new_values, database_role)
    SELECT organization_id, tenant_id, 'created', metadata, 'bench' FROM tenancy.tenants LIMIT $1
"""
SUBSIDIARIES = "SELECT tenant_id FROM tenancy.tenants WHERE parent_tenant_id = $1 AND organization_id = $1 ORDER BY 1"
ISSUE_FOR_TENANT = "SELECT tenancy.issue_tenant_token($1, $2, $3, 'bench', $4)"
ISSUE_FOR_OPERATOR = "SELECT tenancy.issue_platform_operator_token($1, 'bench', $2)"


class Database:
    """Context manager of a database; `admin` is a connection as the superuser, to which policies do not apply.

    The peers have a separate copy: the service refuses to start on a database with a policy like theirs.
    """

    admin: asyncpg.Connection
    _plain: asyncpg.Connection | None = None

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name

    async def __aenter__(self) -> Self:
        """Create database, roles and schema."""
        url = self.server.url(self.name)
        await installation.create_database(make_url(url))
        await installation.create_roles(make_url(url), api_password=PASSWORD, operator_password=PASSWORD)
        with patch.dict(os.environ, MTDB_DATABASE_URL=url):
            await asyncio.to_thread(installation.migrate)
        self.admin = await self._connect(self.name)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections; the database is removed with its server."""
        await self.admin.close()
        if self._plain:
            await self._plain.close()

    def url(self, user: str, password: str = PASSWORD) -> str:
        """Return the URL of the database, or of the peers' copy, for a role."""
        return self.server.url(self._plain_name if user.startswith("plain") else self.name, user, password)

    def admin_of(self, table: str) -> asyncpg.Connection:
        """Return the superuser's connection to the database of the table."""
        return self._plain if self._plain and not table.startswith("tenancy.") else self.admin

    async def add_organizations(self, count: int, subsidiaries: int) -> list[UUID]:
        """Add `count` organisations with `subsidiaries` each; return their parents."""
        parents = [row[0] for row in await self.admin.fetch(ADD_PARENTS, count, METADATA)]
        await self.admin.execute(ADD_SUBSIDIARIES, parents, subsidiaries, METADATA)
        return parents

    async def add_events(self, most: int) -> None:
        """Add events, since the plans of an empty table prove nothing."""
        await self.admin.execute(ADD_EVENTS, most)

    async def add_plain_copy(self) -> None:
        """Copy all tenants into the peers' tables, with their roles and policies."""
        await self.admin.close()  # a template must have no connections
        maintenance = await asyncpg.connect(self.server.url())
        await maintenance.execute(f'CREATE DATABASE "{self._plain_name}" TEMPLATE "{self.name}"')
        await maintenance.close()
        self.admin, self._plain = await self._connect(self.name), await self._connect(self._plain_name)
        for tables in (PLAIN_VARIABLE, GOVERNED):
            await self._plain.execute(await asyncio.to_thread(tables.read_text, encoding="utf-8"))
        await asyncio.to_thread(_apply_rowstile, self.server.url(self._plain_name))

    async def vacuum(self) -> None:
        """Vacuum and analyse every database of a run."""
        for connection in filter(None, (self.admin, self._plain)):
            await connection.execute("VACUUM (ANALYZE)")

    async def callers(self, parents: Sequence[UUID]) -> list[Caller]:
        """Issue tokens for parents."""
        callers = []
        for parent in parents:
            token = await self.token_of(parent, parent)
            rows = await self.admin.fetch(SUBSIDIARIES, parent)
            callers.append(Caller(parent, token, [row[0] for row in rows]))
        return callers

    async def token_of(self, organization_id: UUID, tenant_id: UUID) -> str:
        """Issue a tenant's token."""
        token = new_access_token()
        await self.admin.execute(ISSUE_FOR_TENANT, hash_access_token(token), organization_id, tenant_id, LIFETIME)
        return token

    async def operator_token(self) -> str:
        """Issue a platform operator's token."""
        token = new_access_token()
        await self.admin.execute(ISSUE_FOR_OPERATOR, hash_access_token(token), LIFETIME)
        return token

    async def tenants_of(self, organization_id: UUID) -> list[dict[str, Any]]:
        """Return the stored tenants of an organisation, to check responses."""
        rows = await self.admin.fetch(
            "SELECT tenant_id, name, tenant_type::text, parent_tenant_id, metadata::text, version, created_at,"
            " updated_at FROM tenancy.tenants WHERE organization_id = $1 ORDER BY tenant_id",
            organization_id,
        )
        return [dict(row) for row in rows]

    async def total(self, table: str, organizations: Sequence[UUID]) -> tuple[int, int]:
        """Return how many tenants these organisations have in a table, and the sum of their versions."""
        row = await self.admin_of(table).fetchrow(
            f"SELECT count(*), coalesce(sum(version), 0) FROM {table}"
            " WHERE tenant_id = ANY ($1) OR parent_tenant_id = ANY ($1)",
            organizations,
        )
        return int(row[0]), int(row[1])

    @property
    def _plain_name(self) -> str:
        return f"{self.name}_plain"

    async def _connect(self, name: str) -> asyncpg.Connection:
        connection = await asyncpg.connect(self.server.url(name))
        # Disables the triggers: the audit trail of millions of creations is not measured.
        await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        return connection


def _apply_rowstile(url: str) -> None:
    # It refuses a search path with a schema in which other roles may create.
    options = "options=-csearch_path%3Dgoverned"
    command: list[str | Path] = [ROWSTILE, "apply", GOVERNED.with_name("policy.authz"), "--db", f"{url}?{options}"]
    subprocess.run(command, check=True, capture_output=True)
