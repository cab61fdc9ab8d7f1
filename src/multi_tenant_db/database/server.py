"""A server of the service."""

import asyncio
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.connection_pool import pool_of
from multi_tenant_db.database.read_routing import ReadRouting


@dataclass(slots=True, eq=False)
class Server:
    """A database and the pools of this worker: one for requests, one of a connection for health checks."""

    label: str
    engine: AsyncEngine
    health_engine: AsyncEngine
    awaits_check: bool = False
    """No request is sent to it before its schema has been checked."""
    reads: ReadRouting | None = None
    """Its standbys, if there are any for reads."""

    def connect_failures(self) -> int:
        """Return how often a connection could not be opened, for a request or a health check."""
        return sum(pool_of(engine).connect_failures for engine in (self.engine, self.health_engine))

    async def dispose(self) -> None:
        """Close all connections."""
        standbys = self.reads.standbys if self.reads else ()
        for standby in standbys:
            standby.abandon()  # a read or a check that was cancelled while it connected may have left a connection
        engines = (self.engine, self.health_engine, *(standby.engine for standby in standbys))
        await asyncio.gather(*(engine.dispose() for engine in engines))
