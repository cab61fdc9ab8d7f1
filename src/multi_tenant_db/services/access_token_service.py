"""Administration of access tokens."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from multi_tenant_db.identity.access_token import hash_access_token, new_access_token
from multi_tenant_db.identity.issued_token import IssuedToken
from multi_tenant_db.models import TenantRow
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository
from multi_tenant_db.server_label import DEFAULT_SERVER


class AccessTokenService:
    """Issues, lists, revokes and purges tokens. A token is returned only when issued; only its hash is stored."""

    def __init__(self, tokens: AccessTokenRepository) -> None:
        self._tokens = tokens

    async def issue_for_tenant(
        self, tenant: TenantRow, *, label: str, lifetime: timedelta, server: str = DEFAULT_SERVER
    ) -> tuple[str, IssuedToken]:
        """Return a new token of the tenant with the label of its server, and its record; raises TenantNotFound."""
        token = new_access_token(server)
        issued = await self._tokens.issue_for_tenant(
            hash_access_token(token),
            organization_id=tenant.organization_id,
            tenant_id=tenant.tenant_id,
            label=label,
            lifetime=lifetime,
        )
        return token, issued

    async def issue_for_platform_operator(
        self, *, label: str, lifetime: timedelta, server: str = DEFAULT_SERVER
    ) -> tuple[str, IssuedToken]:
        """Return a new token that reaches every tenant of the server, and its record."""
        token = new_access_token(server)
        issued = await self._tokens.issue_for_platform_operator(
            hash_access_token(token), label=label, lifetime=lifetime
        )
        return token, issued

    async def list_tokens(self, *, every_state: bool, limit: int) -> Sequence[IssuedToken]:
        """Return the newest tokens, oldest first: the live ones, or those of every state."""
        return await self._tokens.list_newest(every_state=every_state, limit=limit)

    async def purge(self, limit: int) -> int:
        """Delete up to `limit` tokens expired or revoked a month ago, and old idempotency keys; return the count."""
        return await self._tokens.purge(limit)

    async def revoke(self, token_id: UUID) -> bool:
        """Revoke a token; return False if no unrevoked token has this id."""
        return await self._tokens.revoke(token_id)
