"""Begins and ends every transaction, and signs the caller in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.database.connection_pool import RESET_SESSION, ConnectionPool, pool_of
from multi_tenant_db.database.failures import DRIVER_FAILURES, as_dbapi_error, as_outage, sqlstate
from multi_tenant_db.database.session import Session
from multi_tenant_db.errors import AuthenticationRequired
from multi_tenant_db.identity.caller import Caller
from multi_tenant_db.identity.caller_role import CallerRole

INVALID_AUTHORIZATION = "28000"

SIGN_IN = CompiledStatement(
    text("SELECT tenant_id, organization_id, caller_role FROM tenancy.sign_in(:token, :request_id)"), tuple
)
BECOME_PLATFORM = "SET LOCAL ROLE tenancy_platform"

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Tokens are valid in this isolation level only, and a server's default may be another."""

# One message ends the transaction and resets the session for the next caller. If the end fails, the rest does not run,
# and the request fails. COMMIT alone raises no error in a failed transaction, which it rolls back, nor outside a
# transaction. SAVEPOINT fails in both cases.
COMMIT = f"SAVEPOINT the_end; COMMIT; {RESET_SESSION}"
ROLLBACK = f"ROLLBACK; {RESET_SESSION}"

ROLLBACK_SECONDS = 2.0
"""Time limit of a rollback; after that the connection is closed, and the server rolls back."""


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[Session]:
    """Open a session without a caller, in a transaction; commit at the end, roll back on any exception.

    Raises DatabaseUnavailable when no connection is available, the database is too slow, or the commit fails.
    """
    try:
        async with _connection_in_transaction(engine) as connection:

            async def begun() -> PoolProxiedConnection:
                return connection

            session = Session(engine.sync_engine, begun)
            try:
                yield session
                await _flush(session)
            finally:
                session.end()
    except (DBAPIError, PoolTimeoutError) as failure:
        outage = as_outage(failure)
        if outage is None:
            raise
        raise outage from failure


@asynccontextmanager
async def tenant_session(
    engine: AsyncEngine, token: str, request_id: str | None = None
) -> AsyncIterator[tuple[Session, Caller]]:
    """Open the caller's transaction and sign in; otherwise like `deferred_tenant_session`."""
    async with deferred_tenant_session(engine, token, request_id) as session:
        yield session, await session.sign_in()


@asynccontextmanager
async def deferred_tenant_session(
    engine: AsyncEngine, token: str, request_id: str | None = None
) -> AsyncIterator[Session]:
    """Open a session whose first statement begins the caller's transaction and presents the token for verification.

    A request that is refused before its first statement uses no connection. A block that ends without a statement
    has its token verified at its end.

    The token is a bind parameter, never text of a statement, and is valid for this transaction only. The request id is
    recorded in the audit trail of the transaction's changes.
    Raises AuthenticationRequired when the token is invalid or becomes invalid during the transaction, and what
    `transaction` raises.
    """
    try:
        async with AsyncExitStack() as stack:

            async def begin() -> PoolProxiedConnection:
                connection = await stack.enter_async_context(_connection_in_transaction(engine))
                session.caller = await _sign_in(connection.driver_connection, token, request_id)
                return connection

            session = Session(engine.sync_engine, begin)
            try:
                yield session
                await session.sign_in()
                await _flush(session)
            finally:
                session.end()
    except (DBAPIError, PoolTimeoutError) as failure:
        error = as_outage(failure) or _as_refused_token(failure)
        if error is None:
            raise
        raise error from failure


@asynccontextmanager
async def _connection_in_transaction(engine: AsyncEngine) -> AsyncIterator[PoolProxiedConnection]:
    pool = pool_of(engine)
    async with pool.slot():
        connection = await pool.acquire()
        try:
            await _send(connection.driver_connection, BEGIN)
            yield connection
            leftover_statements = await _send(connection.driver_connection, COMMIT)
        except BaseException:
            await asyncio.shield(_roll_back(pool, connection))
            raise
        pool.release(connection, leftover_statements)


async def _flush(session: Session) -> None:
    """Send SQLAlchemy's pending statements; on an AUTOCOMMIT connection its commit does only that."""
    if session.in_transaction():
        await session.commit()


async def _roll_back(pool: ConnectionPool, connection: PoolProxiedConnection) -> None:
    if not connection.is_valid:
        return  # SQLAlchemy closes it when a statement is cancelled
    try:
        leftover_statements = await _send(connection.driver_connection, ROLLBACK, seconds=ROLLBACK_SECONDS)
    except BaseException as failure:
        connection.invalidate()
        if not isinstance(failure, Exception):
            raise  # the process ends; otherwise the original failure is raised
    else:
        pool.release(connection, leftover_statements)


async def _send(driver: asyncpg.Connection, message: str, *, seconds: float | None = None) -> str:
    """Run statements without parameters in one message; return the status of the last. Raises DBAPIError."""
    try:
        status: str = await driver.execute(message, timeout=seconds)
    except DRIVER_FAILURES as failure:
        raise as_dbapi_error(driver, message, failure) from failure
    return status


def _as_refused_token(failure: DBAPIError | PoolTimeoutError) -> AuthenticationRequired | None:
    is_refusal = isinstance(failure, DBAPIError) and sqlstate(failure) == INVALID_AUTHORIZATION
    return AuthenticationRequired() if is_refusal else None


async def _sign_in(driver: asyncpg.Connection, token: str, request_id: str | None) -> Caller:
    [(tenant_id, organization_id, role)] = await SIGN_IN.fetch(driver, {"token": token, "request_id": request_id})
    caller = Caller(CallerRole(role), tenant_id, organization_id)
    if caller.role is CallerRole.PLATFORM_OPERATOR:
        await _send(driver, BECOME_PLATFORM)
    return caller
