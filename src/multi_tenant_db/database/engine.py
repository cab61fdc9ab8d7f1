"""The connection pool, and what a connection forgets between two callers."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from pydantic_core import from_json
from sqlalchemy import URL, event
from sqlalchemy.engine import AdaptedConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, PoolResetState
from sqlalchemy.util import greenlet_spawn

from multi_tenant_db.database.connecting import CONNECT_FAILURES, connect
from multi_tenant_db.database.connection_pool import ConnectionPool
from multi_tenant_db.database.failures import is_end_of, unavailable
from multi_tenant_db.database.leftover_statements_error import LeftoverStatementsError
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.settings import Settings

SERVICE_ROLE = "tenancy_api"
OPERATOR_ROLE = "tenancy_operator"

WITHOUT_STATEMENT_CACHE: dict[str, Any] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}
"""asyncpg and SQLAlchemy each keep statements; the empty name is the one that leaves nothing behind on a server."""

RESET_SESSION = """
    SET SESSION AUTHORIZATION DEFAULT;
    RESET ALL;
    CLOSE ALL;
    UNLISTEN *;
    SELECT pg_catalog.pg_advisory_unlock_all();
    SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql
"""
"""One message. Its last row count is that of statements made by PREPARE, which the driver never does."""

NOTHING_FOUND = "SELECT 0"


def service_url(settings: Settings) -> URL:
    """Return where and as whom the service connects."""
    password = settings.api_password.get_secret_value() if settings.api_password else None
    return _url_as(settings, SERVICE_ROLE, password)


def operator_url(settings: Settings) -> URL:
    """Return where and as whom the command line connects."""
    password = settings.operator_password.get_secret_value() if settings.operator_password else None
    return _url_as(settings, OPERATOR_ROLE, password)


def create_engine(url: URL, settings: Settings, connections: int | None = None) -> AsyncEngine:
    """Return a pool of at most so many connections, `pool_size` unless said otherwise; none is opened yet.

    A transaction's context dies with the transaction. What SQL injected into a request could leave in the session
    beyond it (variables, a role, a planted statement under the name of one of ours) does not reach the next caller.
    """
    engine = create_async_engine(
        url,
        poolclass=ConnectionPool,
        pool_size=connections or settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_seconds,
        pool_use_lifo=True,
        # SQLAlchemy begins and ends nothing: tenant_session.py does, and saves round trips by it.
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        json_deserializer=from_json,
        connect_args={
            "async_creator_fn": connect,
            "timeout": settings.connect_timeout_seconds,
            "command_timeout": settings.command_timeout_seconds,
            "server_settings": {"application_name": "multi-tenant-db"},
            **({} if settings.prepared_statements else WITHOUT_STATEMENT_CACHE),
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_a_dead_connection)
    event.listen(engine.sync_engine, "reset", _forget_the_caller)
    event.listen(engine.sync_engine, "handle_error", _give_up_a_useless_connection, retval=True)
    return engine


def _refuse_a_dead_connection(connection: AdaptedConnection, _entry: object, _proxy: object) -> None:
    """Have the pool replace, before anybody uses it, a connection that the server has closed; this asks nobody."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server has closed this connection")


def _forget_the_caller(connection: AdaptedConnection, _entry: ConnectionPoolEntry, state: PoolResetState) -> None:
    """Reset a session on its way back to the pool, which discards it when this raises."""
    if state.terminate_only or not state.asyncio_safe:
        return
    found: str = connection.run_async(lambda driver: driver.execute(RESET_SESSION))
    if found != NOTHING_FOUND:
        raise LeftoverStatementsError(f"{found.removeprefix('SELECT ')} prepared statements that are not ours")


def _give_up_a_useless_connection(context: ExceptionContext) -> DBAPIError | None:
    """Have SQLAlchemy drop a connection as driver.py does; it wraps only what the server itself has said."""
    failure = context.original_exception
    cause = failure.__cause__ or failure
    if context.connection is None or not is_end_of(context.connection.connection.driver_connection, cause):
        return None
    context.is_disconnect = True
    context.invalidate_pool_on_disconnect = False
    if context.sqlalchemy_exception is not None:
        return None
    return DBAPIError(context.statement, None, cause, hide_parameters=True, connection_invalidated=True)


async def check_out(engine: AsyncEngine, pool: ConnectionPool) -> PoolProxiedConnection:
    """Take a live connection from the pool, at one's turn, without what SQLAlchemy builds around it.

    Raises DBAPIError without a statement, or DatabaseUnavailable, when there is none to be had.
    """
    at_hand = pool.take()
    if at_hand is not None:
        return at_hand
    try:
        return await greenlet_spawn(pool.connect)
    except engine.dialect.loaded_dbapi.Error as failure:
        raise DBAPIError(None, None, failure) from failure
    except CONNECT_FAILURES as failure:
        raise unavailable() from failure


async def check_in(pool: ConnectionPool, connection: PoolProxiedConnection, found: str) -> None:
    """Give a connection back to the pool it is from, with what RESET_SESSION has just found in its session."""
    if found == NOTHING_FOUND:
        pool.put_at_hand(connection)
    else:
        await greenlet_spawn(connection.close)


def turn_at(engine: AsyncEngine) -> AbstractAsyncContextManager[None]:
    """Wait for one's turn at the connections, first come, first served; raises SQLAlchemy's TimeoutError."""
    return pool_of(engine).turn()


def pool_of(engine: AsyncEngine) -> ConnectionPool:
    """Return the pool of an engine now; once disposed of, the engine has another."""
    pool = engine.pool
    if not isinstance(pool, ConnectionPool):
        raise TypeError("make engines with create_engine(): their pool serves first come, first served")
    return pool


def _url_as(settings: Settings, role: str, password: str | None) -> URL:
    url = read_database_url(str(settings.database_url))
    return url if url.username else url.set(username=role, password=password)
