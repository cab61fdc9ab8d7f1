"""Administration of access tokens."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from multi_tenant_db.identity.access_token import hash_access_token, new_access_token
from multi_tenant_db.identity.issued_token import IssuedToken
from multi_tenant_db.models import TenantRow
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository, Validity
from multi_tenant_db.server_label import DEFAULT_SERVER


class AccessTokenService:
    """Issues, rotates, lists, revokes and purges tokens.

    A token is returned only when issued; only its hash is stored. It carries the label of its server.
    """

    def __init__(self, tokens: AccessTokenRepository) -> None:
        self._tokens = tokens

    async def issue_for_tenant(
        self,
        tenant: TenantRow,
        *,
        label: str,
        lifetime: Validity,
        may_write: bool = True,
        server: str = DEFAULT_SERVER,
    ) -> tuple[str, IssuedToken]:
        """Return a new token of the tenant, and its record; raises TenantNotFound."""
        token = new_access_token(server)
        issued = await self._tokens.issue_for_tenant(
            hash_access_token(token),
            organization_id=tenant.organization_id,
            tenant_id=tenant.tenant_id,
            label=label,
            lifetime=lifetime,
            may_write=may_write,
        )
        return token, issued

    async def issue_for_platform_operator(
        self, *, label: str, lifetime: Validity, may_write: bool = True, server: str = DEFAULT_SERVER
    ) -> tuple[str, IssuedToken]:
        """Return a new token that reaches every tenant of the server, and its record."""
        token = new_access_token(server)
        issued = await self._tokens.issue_for_platform_operator(
            hash_access_token(token), label=label, lifetime=lifetime, may_write=may_write
        )
        return token, issued

    async def issue_view(  # noqa: PLR0913 - a token's properties
        self,
        tenant: TenantRow,
        operator_token: str,
        *,
        label: str,
        lifetime: Validity,
        may_write: bool = False,
        server: str = DEFAULT_SERVER,
    ) -> tuple[str, IssuedToken]:
        """Return a new token with which a platform operator acts as the tenant, and its record.

        The tenant's audit trail records it. Raises AuthenticationRequired, ReadOnlyToken or TenantNotFound.
        """
        token = new_access_token(server)
        issued = await self._tokens.issue_view(
            hash_access_token(token),
            operator_token,
            organization_id=tenant.organization_id,
            tenant_id=tenant.tenant_id,
            label=label,
            lifetime=lifetime,
            may_write=may_write,
        )
        return token, issued

    async def rotate(
        self, token_id: UUID, *, lifetime: Validity, grace: timedelta, server: str = DEFAULT_SERVER
    ) -> tuple[str, IssuedToken] | None:
        """Return a successor of the token, which ends after the grace period, and its record.

        None if no valid token has this id, or a view token has it.
        """
        token = new_access_token(server)
        issued = await self._tokens.rotate(token_id, hash_access_token(token), lifetime=lifetime, grace=grace)
        return None if issued is None else (token, issued)

    async def list_tokens(
        self,
        *,
        organization_id: UUID | None = None,
        tenant_id: UUID | None = None,
        every_state: bool = False,
        limit: int,
        before: UUID | None = None,
    ) -> Sequence[IssuedToken]:
        """Return the newest tokens, oldest first: the live ones, or those of every state."""
        return await self._tokens.list_newest(
            organization_id=organization_id, tenant_id=tenant_id, every_state=every_state, limit=limit, before=before
        )

    async def purge(self, limit: int) -> int:
        """Delete up to `limit` tokens expired or revoked a month ago, and old idempotency keys; return the count."""
        return await self._tokens.purge(limit)

    async def revoke(self, token_id: UUID) -> bool:
        """Revoke a token and the view tokens issued with it; return False if there is nothing to revoke."""
        return await self._tokens.revoke(token_id)

    async def revoke_all(self, organization_id: UUID, tenant_id: UUID | None) -> int:
        """Revoke the valid tokens of a tenant, or without one of the organisation; return their number."""
        return await self._tokens.revoke_all(organization_id, tenant_id)
