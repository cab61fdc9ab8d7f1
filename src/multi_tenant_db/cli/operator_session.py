"""The command line's access to tenants: as a platform operator, with a token, under the policies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.engine import create_engine, operator_url
from multi_tenant_db.database.session import Session
from multi_tenant_db.database.tenant_session import tenant_session, transaction
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository
from multi_tenant_db.services.access_token_service import AccessTokenService
from multi_tenant_db.settings import Settings

USUAL_LIFETIME = timedelta(minutes=10)


@asynccontextmanager
async def operator_engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Open a pool to one server as the role tenancy_operator."""
    engine = create_engine(operator_url(settings), settings)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def platform_session(
    engine: AsyncEngine, command: str, lifetime: timedelta = USUAL_LIFETIME, *, may_write: bool = False
) -> AsyncIterator[Session]:
    """Open a transaction that reaches every tenant, with a token that is issued for it and revoked after it.

    The token is read-only, unless it is said that it may write.

    The lifetime limits the token if the process ends before it revokes the token.
    """
    async with transaction(engine) as session:
        service = AccessTokenService(AccessTokenRepository(session))
        token, issued = await service.issue_for_platform_operator(
            label=f"mtdb {command}", lifetime=lifetime, may_write=may_write
        )
    try:
        async with tenant_session(engine, token, f"mtdb-{issued.token_id}") as (session, _caller):
            yield session
    finally:
        async with transaction(engine) as session:
            await AccessTokenService(AccessTokenRepository(session)).revoke(issued.token_id)
