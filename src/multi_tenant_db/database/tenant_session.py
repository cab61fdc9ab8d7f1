"""The one place that begins and ends transactions, and the one that signs in."""

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
"""Tokens count in this isolation level only, and a server's configuration may say another."""

# In one message: what ends a transaction also resets the session for the next caller. Where the end fails, the rest of
# the message is not run, and the failure is the request's. COMMIT alone would not fail in a transaction that has met an
# error: it would roll back without an error; nor where the transaction has ended already. SAVEPOINT is refused in both.
COMMIT = f"SAVEPOINT the_end; COMMIT; {RESET_SESSION}"
ROLLBACK = f"ROLLBACK; {RESET_SESSION}"

ROLLBACK_SECONDS = 2.0
"""How long a rollback may take; after that the connection is closed, and the server rolls back by itself."""


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[Session]:
    """Open a session that belongs to no caller, in a transaction; commit at the end, roll back on any exception.

    Raises DatabaseUnavailable when no connection is to be had, the database is too slow, or the commit fails.
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
    """Open the caller's transaction and sign in; otherwise as `deferred_tenant_session`."""
    async with deferred_tenant_session(engine, token, request_id) as session:
        yield session, await session.sign_in()


@asynccontextmanager
async def deferred_tenant_session(
    engine: AsyncEngine, token: str, request_id: str | None = None
) -> AsyncIterator[Session]:
    """Open a session whose first statement begins the caller's transaction and presents the token for verification.

    A request that is refused before it asks the database costs no connection. A block that ends without a statement
    has its token verified at its end.

    The token is a bind parameter, never text of a statement, and holds for this transaction alone. The request id goes
    into the audit trail of what the transaction changes.
    Raises AuthenticationRequired when the token is, or during the transaction becomes, no live token, and what
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
    """Send what SQLAlchemy has not sent yet; on a connection that begins nothing by itself its commit is only that."""
    if session.in_transaction():
        await session.commit()


async def _roll_back(pool: ConnectionPool, connection: PoolProxiedConnection) -> None:
    if not connection.is_valid:
        return  # SQLAlchemy has closed it, as it does when a statement is cancelled
    try:
        leftover_statements = await _send(connection.driver_connection, ROLLBACK, seconds=ROLLBACK_SECONDS)
    except BaseException as failure:
        connection.invalidate()
        if not isinstance(failure, Exception):
            raise  # the process ends; any other failure to report is the one before
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
