"""The queries on access tokens. They call functions that only the operator's role may execute."""

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
        """Store the hash of a tenant's token; raises TenantNotFound when the tenant has been deleted."""
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

    async def list_newest(self, *, every_state: bool, limit: int) -> Sequence[IssuedToken]:
        """Return the newest tokens of existing tenants, oldest first, without hashes; the live ones or every state."""
        statement = text("SELECT * FROM tenancy.list_tokens(:every_state, :limit)")
        rows = await self._session.execute(statement, {"every_state": every_state, "limit": limit})
        return [IssuedToken(**row) for row in reversed(rows.mappings().all())]

    async def purge(self, limit: int) -> int:
        """Delete up to `limit` tokens expired or revoked a month ago, and old idempotency keys; return the count."""
        return int(await self._session.scalar(text("SELECT tenancy.purge_tokens(:limit)"), {"limit": limit}))

    async def revoke(self, token_id: UUID) -> bool:
        """Revoke a token, which fails from the next statement on; return False if no unrevoked token has this id."""
        statement = text("SELECT tenancy.revoke_token(:token_id)")
        return bool(await self._session.scalar(statement, {"token_id": token_id}))
