"""The queries on the schema's revision."""

import asyncio
from typing import Literal

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from multi_tenant_db.database.failures import sqlstate
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.errors import DatabaseUnavailable
from multi_tenant_db.schema.schema_revision import (
    FOUND_REVISION,
    IS_DECLARED_COMPATIBLE,
    REQUIRED_SCHEMA_REVISION,
)

HEALTH_TIMEOUT_SECONDS = 2.0

NOT_MIGRATED = frozenset({"42P01", "42501"})
"""The table does not exist or is not granted, as before the migration that creates it."""

Compatibility = Literal["current", "compatible", "mismatch"]

IS_READ_ONLY = text("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean")


class SchemaRepository:
    """Compares the schema with this version. Reads no tenant data, so it needs no signed-in transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read_compatibility(self) -> tuple[Compatibility, bool]:
        """Return whether this version supports the schema, and whether the server is read-only.

        Raises DatabaseUnavailable, at the latest after HEALTH_TIMEOUT_SECONDS.
        """
        is_read_only = False
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_SECONDS), transaction(self._engine) as session:
                is_read_only = bool(await session.scalar(IS_READ_ONLY))
                return await _compare(session), is_read_only
        except TimeoutError as error:
            raise DatabaseUnavailable from error
        except DBAPIError as failure:
            if sqlstate(failure) not in NOT_MIGRATED:
                raise
            return "mismatch", is_read_only


async def _compare(session: AsyncSession) -> Compatibility:
    found = await session.scalar(FOUND_REVISION)
    if found == REQUIRED_SCHEMA_REVISION:
        return "current"
    revisions = {"found": found, "required": REQUIRED_SCHEMA_REVISION}
    return "compatible" if await session.scalar(IS_DECLARED_COMPATIBLE, revisions) else "mismatch"
