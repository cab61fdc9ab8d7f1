"""A connection pool that serves first come, first served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.pool import AsyncAdaptedQueuePool


class FairPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool with an orderly queue in front of it.

    The pool's own queue wakes a waiter and lets a newcomer take the connection first, so under load some wait until
    they time out while others are served at once. A semaphore of asyncio is fair.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._turns = asyncio.Semaphore(self.size())

    def waiting(self) -> int:
        """Return how many wait for their turn now."""
        return len(self._turns._waiters or ())  # noqa: SLF001 - asyncio tells nobody

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold a place among the pool's connections; raises TimeoutError after the pool's timeout."""
        if self._turns.locked():
            async with asyncio.timeout(self.timeout()):
                await self._turns.acquire()
        else:
            await self._turns.acquire()
        try:
            yield
        finally:
            self._turns.release()
