"""The one place that begins and ends transactions, and the one that signs in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.database.driver import execute
from multi_tenant_db.database.engine import FORGET_THE_CALLER, check_in, check_out, pool_of
from multi_tenant_db.database.failures import failures_as_errors, sqlstate
from multi_tenant_db.database.fair_pool import FairPool
from multi_tenant_db.database.session import Session
from multi_tenant_db.errors import AuthenticationRequired
from multi_tenant_db.identity.caller import Caller
from multi_tenant_db.identity.caller_role import CallerRole

INVALID_AUTHORIZATION = "28000"

SIGN_IN = CompiledStatement(
    text("SELECT tenant_id, organization_id, caller_role FROM tenancy.sign_in(:token, :request_id)"), tuple
)
BECOME_PLATFORM = CompiledStatement(text("SET LOCAL ROLE tenancy_platform"), tuple)

# In one message: what ends a transaction also empties the session for the next caller. Where the end fails, the rest of
# the message is not run, and the failure is the request's.
COMMIT = f"COMMIT; {FORGET_THE_CALLER}"
ROLLBACK = f"ROLLBACK; {FORGET_THE_CALLER}"


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[Session]:
    """Open a session in a transaction; commit at the end, roll back on any exception.

    Raises DatabaseUnavailable when no connection is to be had, the database is too slow, or the commit fails.
    """
    with failures_as_errors():
        pool = pool_of(engine)
        async with pool.turn():
            # By itself: a login that the server refuses (28000) must not look like a caller's bad token.
            connection = await check_out(engine, pool)
            try:
                await execute(connection.driver_connection, "BEGIN")
                session = Session(engine.sync_engine, connection)
                yield session
                if session.in_transaction():
                    await session.commit()
                found = await execute(connection.driver_connection, COMMIT)
            except BaseException:
                await asyncio.shield(_undo(pool, connection))
                raise
            await check_in(pool, connection, found)


async def _undo(pool: FairPool, connection: PoolProxiedConnection) -> None:
    if not connection.is_valid:
        return  # SQLAlchemy has closed it, as it does when a statement is cancelled
    try:
        found = await execute(connection.driver_connection, ROLLBACK)
    except Exception:  # noqa: BLE001 - the failure to tell about is the one before
        connection.invalidate()
    else:
        await check_in(pool, connection, found)


@asynccontextmanager
async def tenant_session(
    engine: AsyncEngine, token: str, request_id: str | None = None
) -> AsyncIterator[tuple[Session, Caller]]:
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


async def _sign_in(session: Session, token: str, request_id: str | None) -> Caller:
    [(tenant_id, organization_id, role)] = await session.fetch(SIGN_IN, token=token, request_id=request_id)
    caller = Caller(CallerRole(role), tenant_id, organization_id)
    if caller.role is CallerRole.PLATFORM_OPERATOR:
        await session.fetch(BECOME_PLATFORM)
    return caller
