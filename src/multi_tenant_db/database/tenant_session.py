"""Begins and ends every transaction, and signs the caller in."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.database.connection_pool import NEEDS_RESET, ConnectionPool, pool_of
from multi_tenant_db.database.destination import Destination
from multi_tenant_db.database.failures import (
    DRIVER_FAILURES,
    READ_ONLY_TOKEN,
    as_dbapi_error,
    as_outage,
    has_lost_server,
    sqlstate,
)
from multi_tenant_db.database.read_routing import Answer, ReadAt
from multi_tenant_db.database.session import Session
from multi_tenant_db.errors import ApplicationError, AuthenticationRequired, ReadOnlyToken
from multi_tenant_db.identity.caller import Caller
from multi_tenant_db.identity.caller_role import CallerRole

INVALID_AUTHORIZATION = "28000"
REFUSED_TOKENS: dict[str, type[ApplicationError]] = {
    INVALID_AUTHORIZATION: AuthenticationRequired,
    READ_ONLY_TOKEN: ReadOnlyToken,
}

ONE_MESSAGE_READS = "one_message_reads"
"""Execution option of an engine. Without named statements a read is two messages, and may meet two servers."""

SIGN_IN = CompiledStatement(
    text("SELECT tenant_id, organization_id, caller_role FROM tenancy.sign_in(:token, :request_id)"), tuple
)
BECOME_PLATFORM = "SET LOCAL ROLE tenancy_platform"

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Tokens are valid in this isolation level only, and a server's default may be another."""

# One message ends the transaction and, if need be, resets the session for the next caller. If the end fails, the rest
# does not run, and the request fails. COMMIT alone raises no error in a failed transaction, which it rolls back, nor
# outside a transaction. SAVEPOINT fails in both cases.
COMMIT = "SAVEPOINT the_end; COMMIT"
ROLLBACK = "ROLLBACK"

RESET_SESSION = """
    SET SESSION AUTHORIZATION DEFAULT;
    RESET ALL;
    DISCARD PLANS;
    CLOSE ALL;
    UNLISTEN *;
    SELECT pg_catalog.pg_advisory_unlock_all();
    SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql
"""
"""The last row count is the number of statements made by PREPARE, which the driver never uses."""

NO_LEFTOVER_STATEMENTS = "SELECT 0"
LEFTOVER_STATEMENTS = "a session held leftover statements (%s): find the SQL injection that ran PREPARE"

ROLLBACK_SECONDS = 2.0
"""Time limit of a rollback; after that the connection is closed, and the server rolls back."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[Session]:
    """Open a session without a caller, in a transaction; commit at the end, roll back on any exception.

    Raises DatabaseUnavailable when no connection is available, the database is too slow, or the commit fails.
    """
    try:
        async with _connection_in_transaction(engine) as connection:

            async def begun() -> tuple[Engine, PoolProxiedConnection]:
                return engine.sync_engine, connection

            session = Session(begun)
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
    async with deferred_tenant_session(Destination(engine), token, request_id) as session:
        yield session, await session.sign_in()


@asynccontextmanager
async def deferred_tenant_session(
    destination: Destination, token: str, request_id: str | None = None
) -> AsyncIterator[Session]:
    """Open a session whose first statement begins the caller's transaction and presents the token for verification.

    The destination is the server to ask; where it says that the organisation has moved, the next is asked.

    A request that is refused before its first statement uses no connection. A block that ends without a statement
    has its token verified at its end.

    The token is a bind parameter, never text of a statement, and is valid for this transaction only. The request id is
    recorded in the audit trail of the transaction's changes.
    Raises AuthenticationRequired when the token is invalid or becomes invalid during the transaction, ReadOnlyToken
    when it may not write, and what `transaction` raises.
    """
    try:
        async with AsyncExitStack() as stack:

            @asynccontextmanager
            async def signed_in(engine: AsyncEngine) -> AsyncIterator[PoolProxiedConnection]:
                try:
                    async with _connection_in_transaction(engine, token) as connection:
                        session.caller = await _sign_in(connection.driver_connection, token, request_id)
                        pool_of(engine).note_verified(token)
                        yield connection
                finally:
                    if destination.write_times is not None:
                        destination.note_transaction(token, session.caller, session.may_have_written)

            async def begin() -> tuple[Engine, PoolProxiedConnection]:
                connection = await _following(destination, lambda engine: stack.enter_async_context(signed_in(engine)))
                return destination.engine.sync_engine, connection

            async def read_alone(statement: CompiledStatement[Any], parameters: dict[str, Any]) -> Answer:
                def read_at(engine: AsyncEngine) -> Awaitable[Answer]:
                    return _read_alone(engine, token, statement, parameters)

                if destination.reads is None:
                    return await _following(destination, read_at)
                return await _read_near(destination, token, read_at)

            session = Session(begin, read_alone)
            try:
                yield session
                await session.sign_in()
                await _flush(session)
            finally:
                session.end()
    except (DBAPIError, PoolTimeoutError) as failure:
        error = as_outage(failure) or as_refused_token(failure)
        if error is None:
            raise
        raise error from failure


@asynccontextmanager
async def _connection_in_transaction(
    engine: AsyncEngine, token: str | None = None
) -> AsyncIterator[PoolProxiedConnection]:
    async with _connection(engine, token) as connection:
        await _send(connection.driver_connection, BEGIN)
        yield connection
        await _end(connection, COMMIT)


@asynccontextmanager
async def _connection(engine: AsyncEngine, token: str | None) -> AsyncIterator[PoolProxiedConnection]:
    pool = pool_of(engine)
    async with pool.slot(token):
        connection = await pool.acquire()
        try:
            yield connection
        except BaseException as failure:
            if has_lost_server(failure):
                pool.drop_idle()
            await asyncio.shield(_roll_back(pool, connection))
            raise
        pool.release(connection)


async def _following[Result](destination: Destination, sign_in: Callable[[AsyncEngine], Awaitable[Result]]) -> Result:
    """Sign in at the destination; where the organisation has moved, at the next."""
    while True:
        try:
            return await sign_in(destination.engine)
        except DBAPIError as failure:
            destination.follow(failure)


async def _read_near(destination: Destination, token: str, read_at: ReadAt) -> Answer:
    """Read from a standby that is fit for the caller, otherwise from the primary."""
    answer = await destination.read_from_standby(token, read_at)
    if answer is None:
        answer = await _following(destination, read_at)
        destination.note_read(token, answer)
    return answer


async def _read_alone(
    engine: AsyncEngine, token: str, statement: CompiledStatement[Any], parameters: dict[str, Any]
) -> Answer:
    """Sign in and read in one message; return None when only a transaction of several can do that."""
    if not engine.get_execution_options()[ONE_MESSAGE_READS]:
        return None
    answer: Answer = None
    failure: DBAPIError | None = None
    async with _connection(engine, token) as connection:
        try:
            answer = await statement.fetch_signed_in(connection.driver_connection, token, parameters)
        except DBAPIError as error:  # there is nothing to roll back
            failure = error
    if failure is not None:
        if has_lost_server(failure):
            pool_of(engine).drop_idle()
        raise failure
    if answer is None:
        return None
    pool_of(engine).note_verified(token)
    return None if answer[0].role is CallerRole.PLATFORM_OPERATOR else answer


async def _flush(session: Session) -> None:
    """Send SQLAlchemy's pending statements; on an AUTOCOMMIT connection its commit does only that."""
    if session.in_transaction():
        await session.commit()


async def _roll_back(pool: ConnectionPool, connection: PoolProxiedConnection) -> None:
    if not connection.is_valid:
        return  # SQLAlchemy closes it when a statement is cancelled
    try:
        await _end(connection, ROLLBACK, seconds=ROLLBACK_SECONDS)
    except BaseException as failure:
        connection.invalidate()
        if not isinstance(failure, Exception):
            raise  # the process ends; otherwise the original failure is raised
    else:
        pool.release(connection)


async def _end(connection: PoolProxiedConnection, message: str, *, seconds: float | None = None) -> None:
    """End the transaction, and reset the session if anything but compiled statements ran in it. Raises DBAPIError.

    A statement left by PREPARE could have the name of one of the driver's and replace it for the next caller: such a
    connection stays marked, and is closed.
    """
    driver = connection.driver_connection
    if NEEDS_RESET not in connection.info:
        await _send(driver, message, seconds=seconds)
        return
    leftover_statements = await _send(driver, f"{message}; {RESET_SESSION}", seconds=seconds)
    if leftover_statements != NO_LEFTOVER_STATEMENTS:
        log.error(LEFTOVER_STATEMENTS, leftover_statements.removeprefix("SELECT "))
    elif not _has_an_isolation_level_of_its_own(connection):
        del connection.info[NEEDS_RESET]


def _has_an_isolation_level_of_its_own(connection: PoolProxiedConnection) -> bool:
    """SQLAlchemy restores a level that was set by execution options only when it takes a connection back itself."""
    record = connection._connection_record  # noqa: SLF001 - it has no public name
    return record is None or bool(record.finalize_callback)


async def _send(driver: asyncpg.Connection, message: str, *, seconds: float | None = None) -> str:
    """Run statements without parameters in one message; return the status of the last. Raises DBAPIError."""
    try:
        status: str = await driver.execute(message, timeout=seconds)
    except DRIVER_FAILURES as failure:
        raise as_dbapi_error(driver, message, failure) from failure
    return status


def as_refused_token(failure: DBAPIError | PoolTimeoutError) -> ApplicationError | None:
    """Return the error of a token that is not valid, or may not write; None for another failure."""
    error = REFUSED_TOKENS.get(sqlstate(failure) or "") if isinstance(failure, DBAPIError) else None
    return error() if error else None


async def _sign_in(driver: asyncpg.Connection, token: str, request_id: str | None) -> Caller:
    [(tenant_id, organization_id, role)] = await SIGN_IN.fetch(driver, {"token": token, "request_id": request_id})
    caller = Caller(CallerRole(role), tenant_id, organization_id)
    if caller.role is CallerRole.PLATFORM_OPERATOR:
        await _send(driver, BECOME_PLATFORM)
    return caller
