"""The query on the schema's own state."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.engine import turn_at
from multi_tenant_db.database.failures import failures_as_errors
from multi_tenant_db.errors import DatabaseUnavailable

HEALTH_TIMEOUT_SECONDS = 2.0


class SchemaRepository:
    """Reads which migration the database has reached. Belongs to no tenant, so it needs no signed-in transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read_revision(self) -> str | None:
        """Return the revision, None for an empty database; raises DatabaseUnavailable."""
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_SECONDS):
                with failures_as_errors():
                    async with turn_at(self._engine), self._engine.connect() as connection:
                        statement = text("SELECT version_num FROM public.alembic_version")
                        revision: str | None = await connection.scalar(statement)
                        return revision
        except TimeoutError as error:
            raise DatabaseUnavailable from error
