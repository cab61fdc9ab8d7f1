"""The command line's access to tenants: as a platform operator, with a token, under the policies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.engine import create_engine, operator_url
from multi_tenant_db.database.session import Session
from multi_tenant_db.jobs import sessions
from multi_tenant_db.settings import Settings


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
    engine: AsyncEngine, command: str, lifetime: timedelta = sessions.USUAL_LIFETIME, *, may_write: bool = False
) -> AsyncIterator[Session]:
    """Open a transaction that reaches every tenant, with a token that is issued for it and revoked after it.

    The token is read-only, unless it is said that it may write.

    The lifetime limits the token if the process ends before it revokes the token.
    """
    async with sessions.platform_session(engine, f"mtdb {command}", lifetime=lifetime, may_write=may_write) as session:
        yield session
