"""Sessions without a request, each with a token of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.session import Session
from multi_tenant_db.database.tenant_session import tenant_session, transaction
from multi_tenant_db.identity.access_token import hash_access_token, new_access_token
from multi_tenant_db.jobs.policies_bypassed_error import PoliciesBypassedError
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository

USUAL_LIFETIME = timedelta(minutes=10)
"""Longest life of a token whose process ends before it revokes the token."""

POLICIES_APPLY = text("SELECT row_security_active('tenancy.tenants')")


@asynccontextmanager
async def platform_session(
    operators: AsyncEngine,
    label: str,
    *,
    request_id: str | None = None,
    lifetime: timedelta = USUAL_LIFETIME,
    may_write: bool = False,
) -> AsyncIterator[Session]:
    """Open a transaction that reaches every tenant of the server. The engine's role is tenancy_operator.

    Its token is read-only, unless it is said that it may write. The label and the request id, by default of the token,
    are in the audit trail.
    """
    token = new_access_token()
    async with transaction(operators) as session:
        issued = await AccessTokenRepository(session).issue_for_platform_operator(
            hash_access_token(token), label=label, lifetime=lifetime, may_write=may_write
        )
    try:
        async with tenant_session(operators, token, request_id or f"mtdb-{issued.token_id}") as (session, _caller):
            yield session
    finally:
        await _revoke(operators, issued.token_id)


@asynccontextmanager
async def organization_session(  # noqa: PLR0913 - each is a part of the caller's identity
    operators: AsyncEngine,
    service: AsyncEngine,
    organization_id: UUID,
    label: str,
    *,
    request_id: str | None = None,
    lifetime: timedelta = USUAL_LIFETIME,
) -> AsyncIterator[Session]:
    """Open a transaction of the organisation's head: the policies limit it to the organisation, like its requests.

    The role tenancy_operator, of the first engine, issues and revokes the token; the work runs as tenancy_api, the
    role of the second. Raises TenantNotFound when the organisation is not on the server, and PoliciesBypassedError
    when the second engine's role is one that the policies do not limit, such as a superuser.
    """
    token = new_access_token()
    async with transaction(operators) as session:
        issued = await AccessTokenRepository(session).issue_for_tenant(
            hash_access_token(token),
            organization_id=organization_id,
            tenant_id=organization_id,
            label=label,
            lifetime=lifetime,
        )
    try:
        async with tenant_session(service, token, request_id or f"mtdb-{issued.token_id}") as (session, _caller):
            if not await session.scalar(POLICIES_APPLY):
                raise PoliciesBypassedError
            yield session
    finally:
        await _revoke(operators, issued.token_id)


async def _revoke(operators: AsyncEngine, token_id: UUID) -> None:
    async with transaction(operators) as session:
        await AccessTokenRepository(session).revoke(token_id)
