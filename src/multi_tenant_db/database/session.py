"""The session that repositories work with."""

from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import PoolProxiedConnection

from multi_tenant_db.database.bound_session import BoundSession
from multi_tenant_db.database.compiled_statement import CompiledStatement


class Session(AsyncSession):
    """SQLAlchemy's, on one connection, which also runs statements that are compiled once, in the same transaction."""

    sync_session_class = BoundSession

    def __init__(self, engine: Engine, connection: PoolProxiedConnection) -> None:
        super().__init__(connect=lambda: Connection(engine, connection), expire_on_commit=False, autoflush=False)
        self._driver: asyncpg.Connection = connection.driver_connection

    async def fetch[Row](self, statement: CompiledStatement[Row], **parameters: Any) -> Sequence[Row]:
        """Return all rows; raises DBAPIError, as the other methods do."""
        return await statement.fetch(self._driver, parameters)
