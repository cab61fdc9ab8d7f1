"""The one place that begins and ends transactions, and the one that signs in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from multi_tenant_db.database.engine import turn_at
from multi_tenant_db.database.failures import failures_as_errors, sqlstate
from multi_tenant_db.errors import AuthenticationRequired
from multi_tenant_db.identity.caller import Caller
from multi_tenant_db.identity.caller_role import CallerRole

INVALID_AUTHORIZATION = "28000"

SIGN_IN = text("SELECT tenant_id, organization_id, caller_role FROM tenancy.sign_in(:token, :request_id)")
BECOME_PLATFORM = text("SET LOCAL ROLE tenancy_platform")


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """Open a session in a transaction; commit at the end, roll back on any exception.

    Raises DatabaseUnavailable when no connection is to be had, the database is too slow, or the commit fails.
    """
    with failures_as_errors():
        async with (
            turn_at(engine),
            AsyncSession(engine, expire_on_commit=False, autoflush=False) as session,
            session.begin(),
        ):
            # Connect first: a login that the server refuses (28000) must not look like a caller's bad token.
            await session.connection()
            yield session


@asynccontextmanager
async def tenant_session(
    engine: AsyncEngine, token: str, request_id: str | None = None
) -> AsyncIterator[tuple[AsyncSession, Caller]]:
    """Open the caller's transaction: its first statement presents the token, which the database verifies.

    The token is a bind parameter, never text of a statement, and holds for this transaction alone. The request id goes
    into the audit trail of what the transaction changes.
    Raises AuthenticationRequired when the token is, or during the transaction becomes, no live token.
    """
    async with transaction(engine) as session:
        try:
            caller = await _sign_in(session, token, request_id)
            yield session, caller
        except DBAPIError as failure:
            if sqlstate(failure) != INVALID_AUTHORIZATION:
                raise
            raise AuthenticationRequired from failure


async def _sign_in(session: AsyncSession, token: str, request_id: str | None) -> Caller:
    row = (await session.execute(SIGN_IN, {"token": token, "request_id": request_id})).one()
    caller = Caller(CallerRole(row.caller_role), row.tenant_id, row.organization_id)
    if caller.role is CallerRole.PLATFORM_OPERATOR:
        await session.execute(BECOME_PLATFORM)
    return caller
