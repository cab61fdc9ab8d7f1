"""The queries on the schema's own state."""

import asyncio
from typing import Literal

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.engine import turn_at
from multi_tenant_db.database.failures import failures_as_errors, sqlstate
from multi_tenant_db.database.schema_revision import (
    FOUND_REVISION,
    IS_DECLARED_COMPATIBLE,
    REQUIRED_SCHEMA_REVISION,
)
from multi_tenant_db.errors import DatabaseUnavailable

HEALTH_TIMEOUT_SECONDS = 2.0

NOT_MIGRATED = frozenset({"42P01", "42501"})
"""The table is not there, or not granted: what a database looks like before the migration that makes it."""

Fit = Literal["current", "compatible", "mismatch"]


class SchemaRepository:
    """Reads whether the schema is one for this version. Belongs to no tenant, so it needs no signed-in transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read_fit(self) -> Fit:
        """Return whether the schema is this version's, or newer and declared compatible; raises DatabaseUnavailable."""
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_SECONDS):
                with failures_as_errors():
                    return await self._read()
        except TimeoutError as error:
            raise DatabaseUnavailable from error

    async def _read(self) -> Fit:
        async with turn_at(self._engine), self._engine.connect() as connection:
            try:
                found = await connection.scalar(FOUND_REVISION)
                if found == REQUIRED_SCHEMA_REVISION:
                    return "current"
                asked = {"found": found, "required": REQUIRED_SCHEMA_REVISION}
                return "compatible" if await connection.scalar(IS_DECLARED_COMPATIBLE, asked) else "mismatch"
            except DBAPIError as failure:
                if sqlstate(failure) not in NOT_MIGRATED:
                    raise
                return "mismatch"
