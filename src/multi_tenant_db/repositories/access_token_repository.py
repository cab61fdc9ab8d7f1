"""The queries on access tokens. They call functions that only the operator's role may execute."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from multi_tenant_db.database.failures import constraint_name
from multi_tenant_db.database.tenant_session import as_refused_token
from multi_tenant_db.errors import ApplicationError, AuthenticationRequired, ReadOnlyToken, TenantNotFound
from multi_tenant_db.identity.issued_token import IssuedToken

Validity = timedelta | datetime
"""How long a token is valid, or until when."""

ISSUE_FOR_TENANT = text(
    "SELECT * FROM tenancy.issue_tenant_token(:hash, :organization_id, :tenant_id, :label, :lifetime, :may_write)"
)
ISSUE_FOR_OPERATOR = text("SELECT * FROM tenancy.issue_platform_operator_token(:hash, :label, :lifetime, :may_write)")
ISSUE_VIEW = text(
    "SELECT * FROM tenancy.issue_view_token(:hash, :organization_id, :tenant_id, :label, :lifetime, :may_write)"
)
ROTATE = text("SELECT * FROM tenancy.rotate_token(:token_id, :hash, :lifetime, :grace)")
TIME_UNTIL = text(
    "SELECT make_interval(secs => extract(epoch FROM CAST(:end AS timestamptz) - now())::double precision)"
)
"""The functions add it to now(), which is the same in all of a transaction."""

LIST = text("SELECT * FROM tenancy.list_tokens(:organization_id, :tenant_id, :also_dead, :limit, :before)")


REFUSALS: dict[type[ApplicationError], str] = {
    AuthenticationRequired: "The token that was given is not a valid platform operator's, on the tenant's server.",
    ReadOnlyToken: "The operator's token is read-only: issue a view token that is read-only, too.",
}


class AccessTokenRepository:
    """Issues, rotates, lists and revokes tokens as the role tenancy_operator."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def issue_for_tenant(  # noqa: PLR0913 - a token's properties
        self,
        token_hash: bytes,
        *,
        organization_id: UUID,
        tenant_id: UUID,
        label: str,
        lifetime: Validity,
        may_write: bool = True,
    ) -> IssuedToken:
        """Store the hash of a tenant's token; raises TenantNotFound when the tenant has been deleted."""
        return await self._issue(
            ISSUE_FOR_TENANT,
            hash=token_hash,
            organization_id=organization_id,
            tenant_id=tenant_id,
            label=label,
            may_write=may_write,
            lifetime=await self._duration(lifetime),
        )

    async def issue_for_platform_operator(
        self, token_hash: bytes, *, label: str, lifetime: Validity, may_write: bool = True
    ) -> IssuedToken:
        """Store the hash of a token that reaches all tenants."""
        return await self._issue(
            ISSUE_FOR_OPERATOR,
            hash=token_hash,
            label=label,
            may_write=may_write,
            lifetime=await self._duration(lifetime),
        )

    async def issue_view(  # noqa: PLR0913 - a token's properties
        self,
        token_hash: bytes,
        operator_token: str,
        *,
        organization_id: UUID,
        tenant_id: UUID,
        label: str,
        lifetime: Validity,
        may_write: bool,
    ) -> IssuedToken:
        """Store the hash of a tenant's token for the platform operator whose token is presented.

        Raises AuthenticationRequired when that token is not a valid platform operator's, ReadOnlyToken when it may
        not write and the new one should, TenantNotFound.
        """
        try:
            await self._session.execute(text("SELECT tenancy.sign_in(:token)"), {"token": operator_token})
            return await self._issue(
                ISSUE_VIEW,
                hash=token_hash,
                organization_id=organization_id,
                tenant_id=tenant_id,
                label=label,
                may_write=may_write,
                lifetime=await self._duration(lifetime),
            )
        except DBAPIError as failure:
            error = as_refused_token(failure)
            if error is None:
                raise
            raise type(error)(REFUSALS[type(error)]) from failure

    async def rotate(
        self, token_id: UUID, token_hash: bytes, *, lifetime: Validity, grace: timedelta
    ) -> IssuedToken | None:
        """Store the hash of a successor; return None if no valid token has this id, or a view token has it."""
        parameters = {
            "token_id": token_id,
            "hash": token_hash,
            "lifetime": await self._duration(lifetime),
            "grace": grace,
        }
        row = (await self._session.execute(ROTATE, parameters)).mappings().one()
        return IssuedToken(**row) if row["token_id"] else None

    async def list_newest(
        self,
        *,
        organization_id: UUID | None,
        tenant_id: UUID | None,
        every_state: bool,
        limit: int,
        before: UUID | None,
    ) -> Sequence[IssuedToken]:
        """Return the newest tokens of existing tenants, oldest first, without hashes; the live ones or every state."""
        parameters = {
            "organization_id": organization_id,
            "tenant_id": tenant_id,
            "also_dead": every_state,
            "limit": limit,
            "before": before,
        }
        rows = await self._session.execute(LIST, parameters)
        return [IssuedToken(**row) for row in reversed(rows.mappings().all())]

    async def purge(self, limit: int) -> int:
        """Delete up to `limit` tokens expired or revoked a month ago, and old idempotency keys; return the count."""
        return int(await self._session.scalar(text("SELECT tenancy.purge_tokens(:limit)"), {"limit": limit}))

    async def revoke(self, token_id: UUID) -> bool:
        """Revoke a token and the view tokens issued with it; return False if there is nothing to revoke.

        They fail from the next statement on.
        """
        statement = text("SELECT tenancy.revoke_token(:token_id)")
        return bool(await self._session.scalar(statement, {"token_id": token_id}))

    async def revoke_all(self, organization_id: UUID, tenant_id: UUID | None) -> int:
        """Revoke the valid tokens of a tenant, or without one of the organisation; return their number."""
        statement = text("SELECT tenancy.revoke_tokens(:organization_id, :tenant_id)")
        parameters = {"organization_id": organization_id, "tenant_id": tenant_id}
        return int(await self._session.scalar(statement, parameters))

    async def _issue(self, statement: TextClause, **parameters: Any) -> IssuedToken:
        try:
            result = await self._session.execute(statement, parameters)
        except DBAPIError as failure:
            if constraint_name(failure) != "access_tokens_tenant_fkey":
                raise
            raise TenantNotFound("The tenant has just been deleted.") from failure
        return IssuedToken(**result.mappings().one())

    async def _duration(self, lifetime: Validity) -> timedelta:
        if isinstance(lifetime, timedelta):
            return lifetime
        duration: timedelta = await self._session.scalar(TIME_UNTIL, {"end": lifetime})
        return duration
