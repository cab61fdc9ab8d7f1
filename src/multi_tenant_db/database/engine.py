"""Engines: URL, role and connection parameters."""

from typing import Any

from pydantic_core import from_json
from sqlalchemy import URL, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from multi_tenant_db.database.connecting import Connect, connect
from multi_tenant_db.database.connection_pool import ConnectionPool
from multi_tenant_db.database.failures import is_end_of
from multi_tenant_db.database.tenant_session import ONE_MESSAGE_READS
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.settings import Settings

SERVICE_ROLE = "tenancy_api"
OPERATOR_ROLE = "tenancy_operator"

WITHOUT_STATEMENT_CACHE: dict[str, Any] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}
"""asyncpg and SQLAlchemy each cache statements; the unnamed statement is the one that the server does not keep."""


def service_url(settings: Settings) -> URL:
    """Return the service's URL, with its role."""
    password = settings.api_password.get_secret_value() if settings.api_password else None
    return _url_as(settings, SERVICE_ROLE, password)


def operator_url(settings: Settings) -> URL:
    """Return the command line's URL, with its role."""
    password = settings.operator_password.get_secret_value() if settings.operator_password else None
    return _url_as(settings, OPERATOR_ROLE, password)


def standby_urls(settings: Settings) -> list[URL]:
    """Return the service's URL of each standby that serves reads, one host each, with its role."""
    if settings.read_database_url is None:
        return []
    url = service_url(settings.model_copy(update={"database_url": settings.read_database_url}))
    url = url.update_query_dict({"target_session_attrs": "standby"})
    hosts = url.query.get("hosts")
    if hosts is None:
        return [url]
    addresses = [host.rpartition(":") for host in hosts]
    return [url.difference_update_query(["hosts"]).set(host=name, port=int(port)) for name, _, port in addresses]


def create_engine(
    url: URL, settings: Settings, connections: int | None = None, *, connect: Connect = connect
) -> AsyncEngine:
    """Return an engine with a pool of at most `connections`, `pool_size` by default; none is opened yet.

    A transaction's context ends with the transaction. What SQL injected into a request could leave in the session
    beyond it (variables, a role, a prepared statement with the name of one of the driver's) does not reach the next
    caller.
    """
    engine = create_async_engine(
        url,
        poolclass=ConnectionPool,
        pool_size=connections or settings.pool_size,
        pool_timeout=settings.pool_timeout_seconds,
        # SQLAlchemy begins and ends nothing: tenant_session.py does, and saves round trips by it.
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        execution_options={ONE_MESSAGE_READS: settings.prepared_statements},
        json_deserializer=from_json,
        connect_args={
            "async_creator_fn": connect,
            "timeout": settings.connect_timeout_seconds,
            "command_timeout": settings.command_timeout_seconds,
            "server_settings": {"application_name": "multi-tenant-db"},
            **({} if settings.prepared_statements else WITHOUT_STATEMENT_CACHE),
        },
    )
    event.listen(engine.sync_engine, "handle_error", _translate_error, retval=True)
    return engine


def _translate_error(context: ExceptionContext) -> DBAPIError | None:
    """Make SQLAlchemy close a connection as `as_dbapi_error` does; by default it handles only the server's errors."""
    failure = context.original_exception
    cause = failure.__cause__ or failure
    if context.connection is None or not is_end_of(context.connection.connection.driver_connection, cause):
        return None
    context.is_disconnect = True
    context.invalidate_pool_on_disconnect = False
    if context.sqlalchemy_exception is not None:
        return None
    return DBAPIError(context.statement, None, cause, hide_parameters=True, connection_invalidated=True)


def _url_as(settings: Settings, role: str, password: str | None) -> URL:
    url = read_database_url(str(settings.database_url))
    return url if url.username else url.set(username=role, password=password)
