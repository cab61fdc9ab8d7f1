"""A server of the service."""

import asyncio
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine


@dataclass(slots=True, eq=False)
class Server:
    """A database and the pools of this worker: one for requests, one of a connection for health checks."""

    label: str
    engine: AsyncEngine
    health_engine: AsyncEngine
    awaits_check: bool = False
    """No request is sent to it before its schema has been checked."""

    async def dispose(self) -> None:
        """Close all connections."""
        await asyncio.gather(self.engine.dispose(), self.health_engine.dispose())
