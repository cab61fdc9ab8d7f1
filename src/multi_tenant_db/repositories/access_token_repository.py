"""Every query on access tokens. There is no table to query: the database offers functions, to operators only."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from multi_tenant_db.identity.issued_token import IssuedToken


class AccessTokenRepository:
    """Issues, lists and revokes tokens as the role tenancy_operator."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def issue_for_tenant(
        self, token_hash: bytes, *, organization_id: UUID, tenant_id: UUID, label: str, lifetime: timedelta
    ) -> IssuedToken:
        """Store the hash of a token that acts for a tenant."""
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
        row = (await self._session.execute(statement, parameters)).mappings().one()
        return IssuedToken(**row)

    async def issue_for_platform_operator(self, token_hash: bytes, *, label: str, lifetime: timedelta) -> IssuedToken:
        """Store the hash of a token that reaches all tenants."""
        statement = text("SELECT * FROM tenancy.issue_platform_operator_token(:hash, :label, :lifetime)")
        parameters = {"hash": token_hash, "label": label, "lifetime": lifetime}
        row = (await self._session.execute(statement, parameters)).mappings().one()
        return IssuedToken(**row)

    async def list_all(self) -> Sequence[IssuedToken]:
        """Return every token ever issued for a tenant that still exists, oldest first; hashes are never returned."""
        rows = await self._session.execute(text("SELECT * FROM tenancy.list_tokens()"))
        return [IssuedToken(**row) for row in rows.mappings()]

    async def revoke(self, token_id: UUID) -> bool:
        """Revoke a token from its users' next statement on; return False when there is no live token with this id."""
        statement = text("SELECT tenancy.revoke_token(:token_id)")
        return bool(await self._session.scalar(statement, {"token_id": token_id}))
