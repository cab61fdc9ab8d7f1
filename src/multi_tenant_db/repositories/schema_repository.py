"""The queries on the schema's own state."""

import asyncio
from typing import Literal

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from multi_tenant_db.database.engine import turn_at
from multi_tenant_db.database.failures import sqlstate, translate_outages
from multi_tenant_db.errors import DatabaseUnavailable
from multi_tenant_db.schema.schema_revision import (
    FOUND_REVISION,
    IS_DECLARED_COMPATIBLE,
    REQUIRED_SCHEMA_REVISION,
)

HEALTH_TIMEOUT_SECONDS = 2.0

NOT_MIGRATED = frozenset({"42P01", "42501"})
"""The table is not there, or not granted: what a database looks like before the migration that makes it."""

Fit = Literal["current", "compatible", "mismatch"]

IS_READ_ONLY = text("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean")


class SchemaRepository:
    """Reads whether the schema is one for this version. Belongs to no tenant, so it needs no signed-in transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read_compatibility(self) -> tuple[Fit, bool]:
        """Return how the schema fits, and whether the server takes no writes now; raises DatabaseUnavailable."""
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_SECONDS):
                with translate_outages():
                    return await self._read()
        except TimeoutError as error:
            raise DatabaseUnavailable from error

    async def _read(self) -> tuple[Fit, bool]:
        async with turn_at(self._engine), self._engine.connect() as connection:
            is_read_only = bool(await connection.scalar(IS_READ_ONLY))
            return await self._compare(connection), is_read_only

    async def _compare(self, connection: AsyncConnection) -> Fit:
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
