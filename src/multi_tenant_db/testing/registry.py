"""Makes tenants and tokens as an operator does, with real commits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg

from multi_tenant_db.identity.access_token import hash_access_token, new_access_token
from multi_tenant_db.server_label import DEFAULT_SERVER
from multi_tenant_db.testing.organization import Organization
from multi_tenant_db.testing.party import Party

LIFETIME = timedelta(hours=1)
INSERT = """
    INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name) VALUES ($1, $2, $3) RETURNING tenant_id
"""
ISSUE_FOR_TENANT = "SELECT (tenancy.issue_tenant_token($1, $2, $3, $4, $5)).token_id"
ISSUE_READ_ONLY = "SELECT (tenancy.issue_tenant_token($1, $2, $3, $4, $5, false)).token_id"
ISSUE_READ_ONLY_FOR_OPERATOR = "SELECT (tenancy.issue_platform_operator_token($1, $2, $3, false)).token_id"
ISSUE_VIEW = "SELECT (tenancy.issue_view_token($1, $2, $3, $4, $5, $6)).token_id"
ISSUE_FOR_OPERATOR = "SELECT (tenancy.issue_platform_operator_token($1, $2, $3)).token_id"


class Registry:
    """Works through the database's own functions and policies, as tenancy_operator; fresh names for every call.

    The tokens carry the label of the server.
    """

    def __init__(self, operator: asyncpg.Connection, server: str = DEFAULT_SERVER) -> None:
        self._operator = operator
        self._server = server
        self._token: str | None = None
        self._token_ids: dict[str, UUID] = {}

    async def create_organization(self, name: str = "Bank", subsidiaries: int = 2) -> Organization:
        """Add a parent with subsidiaries; the name gets a random tail."""
        name = f"{name} {uuid4().hex[:8]}"
        async with self._platform():
            parent = await self._insert(name, None)
            children = [await self._insert(f"{name} {n}", parent) for n in range(1, subsidiaries + 1)]
        return Organization(
            Party(parent, name, await self.issue_token(parent, parent)),
            [
                Party(child, f"{name} {n}", await self.issue_token(parent, child))
                for n, child in enumerate(children, start=1)
            ],
        )

    async def create_tenant(self, name: str, parent_tenant_id: UUID | None = None) -> Party:
        """Add one tenant and issue a token for it."""
        async with self._platform():
            tenant_id = await self._insert(name, parent_tenant_id)
        return Party(tenant_id, name, await self.issue_token(parent_tenant_id or tenant_id, tenant_id))

    async def issue_token(
        self, organization_id: UUID, tenant_id: UUID, lifetime: timedelta = LIFETIME, *, may_write: bool = True
    ) -> str:
        """Issue a token for a tenant."""
        statement = ISSUE_FOR_TENANT if may_write else ISSUE_READ_ONLY
        return await self._issue(statement, organization_id, tenant_id, "test", lifetime)

    async def issue_operator_token(
        self, lifetime: timedelta = LIFETIME, *, label: str = "test", may_write: bool = True
    ) -> str:
        """Issue a platform operator's token."""
        return await self._issue(ISSUE_FOR_OPERATOR if may_write else ISSUE_READ_ONLY_FOR_OPERATOR, label, lifetime)

    async def issue_view_token(
        self,
        operator_token: str | None,
        organization_id: UUID,
        tenant_id: UUID,
        lifetime: timedelta = LIFETIME,
        *,
        may_write: bool = False,
    ) -> str:
        """Issue a view token, with the operator's token in the context; None presents nothing."""
        async with self._operator.transaction():
            await self._operator.execute("SELECT set_config('app.current_tenant', $1, true)", operator_token or "")
            return await self._issue(ISSUE_VIEW, organization_id, tenant_id, "view", lifetime, may_write)

    async def revoke(self, token: str) -> None:
        """Revoke a token."""
        if not await self._operator.fetchval("SELECT tenancy.revoke_token($1)", self._token_ids[token]):
            raise ValueError("the token was revoked before")

    async def set_quota(self, organization_id: UUID | None, max_subsidiaries: int) -> None:
        """Limit an organisation's subsidiaries; None is the default of all."""
        await self._operator.execute("SELECT tenancy.set_quota($1, $2)", organization_id, max_subsidiaries)

    async def remove_quota(self, organization_id: UUID | None) -> bool:
        """Remove a quota; return whether there was one."""
        removed: bool = await self._operator.fetchval("SELECT tenancy.remove_quota($1)", organization_id)
        return removed

    def token_id(self, token: str) -> UUID:
        """Return the id by which a token is revoked."""
        return self._token_ids[token]

    async def _issue(self, statement: str, *arguments: object) -> str:
        token = new_access_token(self._server)
        self._token_ids[token] = await self._operator.fetchval(statement, hash_access_token(token), *arguments)
        return token

    @asynccontextmanager
    async def _platform(self) -> AsyncIterator[None]:
        self._token = self._token or await self.issue_operator_token()
        async with self._operator.transaction():
            await self._operator.execute("SELECT tenancy.sign_in($1, $2)", self._token, "test")
            await self._operator.execute("SET LOCAL ROLE tenancy_platform")
            yield

    async def _insert(self, name: str, parent_tenant_id: UUID | None) -> UUID:
        kind = "subsidiary" if parent_tenant_id else "parent"
        tenant_id: UUID = await self._operator.fetchval(INSERT, kind, parent_tenant_id, name)
        return tenant_id
