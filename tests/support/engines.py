"""Pools for a test's own purposes, closed at its end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.engine import create_engine, service_url
from tests.support.test_database import TestDatabase


@asynccontextmanager
async def pool(database: TestDatabase, *, url: URL | None = None, **changes: object) -> AsyncIterator[AsyncEngine]:
    """Open the service's pool, or one as somebody else, with changed settings."""
    settings = database.settings(**changes)
    engine = create_engine(url or service_url(settings), settings)
    try:
        yield engine
    finally:
        await engine.dispose()
