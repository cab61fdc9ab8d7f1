"""The connection pool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from multi_tenant_db.database.fair_pool import FairPool
from multi_tenant_db.settings import Settings

SERVICE_ROLE = "tenancy_api"
OPERATOR_ROLE = "tenancy_operator"

NOTHING_PREPARED: dict[str, Any] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}
"""asyncpg and SQLAlchemy each keep statements; the empty name is the one that leaves nothing behind on a server."""


def service_url(settings: Settings) -> URL:
    """Return where and as whom the service connects."""
    password = settings.api_password.get_secret_value() if settings.api_password else None
    return _url_as(settings, SERVICE_ROLE, password)


def operator_url(settings: Settings) -> URL:
    """Return where and as whom the command line connects."""
    password = settings.operator_password.get_secret_value() if settings.operator_password else None
    return _url_as(settings, OPERATOR_ROLE, password)


def create_engine(url: URL, settings: Settings) -> AsyncEngine:
    """Return a pool of at most `pool_size` connections; none is opened yet.

    A connection that comes back is rolled back, and nothing else: a transaction's context dies with the transaction.
    """
    return create_async_engine(
        url,
        poolclass=FairPool,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_seconds,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={
            "timeout": settings.connect_timeout_seconds,
            "command_timeout": settings.command_timeout_seconds,
            "server_settings": {"application_name": "multi-tenant-db"},
            **({} if settings.prepared_statements else NOTHING_PREPARED),
        },
    )


@asynccontextmanager
async def turn_at(engine: AsyncEngine) -> AsyncIterator[None]:
    """Wait for one's turn at the connections, first come, first served; raises TimeoutError."""
    pool = engine.pool
    if not isinstance(pool, FairPool):
        raise TypeError("make engines with create_engine(): their pool serves first come, first served")
    async with pool.turn():
        yield


def _url_as(settings: Settings, role: str, password: str | None) -> URL:
    url = make_url(str(settings.database_url)).set(drivername="postgresql+asyncpg")
    return url if url.username else url.set(username=role, password=password)
