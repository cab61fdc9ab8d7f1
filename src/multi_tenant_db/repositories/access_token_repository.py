"""Every query on access tokens. There is no table to query: the database offers functions, to operators only."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from multi_tenant_db.database.failures import constraint_name
from multi_tenant_db.errors import TenantNotFound
from multi_tenant_db.identity.issued_token import IssuedToken


class AccessTokenRepository:
    """Issues, lists and revokes tokens as the role tenancy_operator."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def issue_for_tenant(
        self, token_hash: bytes, *, organization_id: UUID, tenant_id: UUID, label: str, lifetime: timedelta
    ) -> IssuedToken:
        """Store the hash of a token that acts for a tenant; raises TenantNotFound when it is deleted by now."""
        statement = text(
            "SELECT * FROM tenancy.issue_tenant_token(:hash, :organization_id, :tenant_id, :label, :lifetime)"
        )
        parameters = {
            "hash": token_hash,
            "organization_id": organization_id,
            "tenant_id": tenant_id,
            "label": label,
            "lifetime": lifetime,
        }
        try:
            row = (await self._session.execute(statement, parameters)).mappings().one()
        except DBAPIError as failure:
            if constraint_name(failure) != "access_tokens_tenant_fkey":
                raise
            raise TenantNotFound("The tenant has just been deleted.") from failure
        return IssuedToken(**row)

    async def issue_for_platform_operator(self, token_hash: bytes, *, label: str, lifetime: timedelta) -> IssuedToken:
        """Store the hash of a token that reaches all tenants."""
        statement = text("SELECT * FROM tenancy.issue_platform_operator_token(:hash, :label, :lifetime)")
        parameters = {"hash": token_hash, "label": label, "lifetime": lifetime}
        row = (await self._session.execute(statement, parameters)).mappings().one()
        return IssuedToken(**row)

    async def list_newest(self, *, also_dead: bool, limit: int) -> Sequence[IssuedToken]:
        """Return the newest tokens of tenants that still exist, oldest first; hashes are never returned."""
        statement = text("SELECT * FROM tenancy.list_tokens(:also_dead, :limit)")
        rows = await self._session.execute(statement, {"also_dead": also_dead, "limit": limit})
        return [IssuedToken(**row) for row in reversed(rows.mappings().all())]

    async def purge(self, limit: int) -> int:
        """Delete at most so many of each: tokens expired or revoked a month ago, old answers; return how many."""
        return int(await self._session.scalar(text("SELECT tenancy.purge_tokens(:limit)"), {"limit": limit}))

    async def revoke(self, token_id: UUID) -> bool:
        """Revoke a token from its users' next statement on; return False when there is no live token with this id."""
        statement = text("SELECT tenancy.revoke_token(:token_id)")
        return bool(await self._session.scalar(statement, {"token_id": token_id}))
