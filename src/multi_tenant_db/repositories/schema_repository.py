"""The query on the schema's own state."""

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.engine import turn_at
from multi_tenant_db.database.failures import failures_as_errors, sqlstate
from multi_tenant_db.errors import DatabaseUnavailable

HEALTH_TIMEOUT_SECONDS = 2.0

NOT_MIGRATED = frozenset({"42P01", "42501"})
"""The table is not there, or not granted: what a database looks like before the first migration."""


class SchemaRepository:
    """Reads which migration the database has reached. Belongs to no tenant, so it needs no signed-in transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read_revision(self) -> str | None:
        """Return the revision, None where there is none or none that may be read; raises DatabaseUnavailable."""
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_SECONDS):
                with failures_as_errors():
                    return await self._read()
        except TimeoutError as error:
            raise DatabaseUnavailable from error

    async def _read(self) -> str | None:
        async with turn_at(self._engine), self._engine.connect() as connection:
            try:
                revision: str | None = await connection.scalar(text("SELECT version_num FROM public.alembic_version"))
            except DBAPIError as failure:
                if sqlstate(failure) not in NOT_MIGRATED:
                    raise
                return None
            return revision
