"""A connection pool that serves first come, first served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, PoolProxiedConnection


class ConnectionPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool with an orderly queue in front of it, and clean connections at hand.

    The pool's own queue wakes a waiter and lets a newcomer take the connection first, so under load some wait until
    they time out while others are served at once. A semaphore of asyncio is fair.

    To take a connection and to give it back, SQLAlchemy switches to a greenlet each, which together were a third of
    Python's time for a read's transaction. A connection that has nothing to forget needs neither: it stays checked out,
    at hand for the next caller.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._turns = asyncio.Semaphore(self.size())
        self._at_hand: list[PoolProxiedConnection] = []

    def take(self) -> PoolProxiedConnection | None:
        """Return the live connection that was put at hand last; None when SQLAlchemy must be asked for one."""
        while self._at_hand:
            connection = self._at_hand.pop()
            driver: Any = connection.driver_connection
            if not driver.is_closed():  # by the server; this asks nobody
                return connection
            connection.invalidate()
        return None

    def put_at_hand(self, connection: PoolProxiedConnection) -> None:
        """Keep a connection, whose session is as new, for the next caller."""
        self._at_hand.append(connection)

    def checkedout(self) -> int:
        """Return how many connections work for somebody now."""
        return super().checkedout() - len(self._at_hand)

    def dispose(self) -> None:
        """Close all connections that work for nobody."""
        while self._at_hand:
            self._at_hand.pop().close()
        super().dispose()

    def _do_get(self) -> ConnectionPoolEntry:
        """Serve whoever asks SQLAlchemy itself: what is at hand is free for him, too."""
        if self._at_hand:
            self._at_hand.pop().close()
        return super()._do_get()

    def waiting(self) -> int:
        """Return how many wait for their turn now."""
        return len(self._turns._waiters or ())  # noqa: SLF001 - asyncio tells nobody

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold a place among the pool's connections; raises SQLAlchemy's TimeoutError after the pool's timeout."""
        if self._turns.locked():
            try:
                async with asyncio.timeout(self.timeout()):
                    await self._turns.acquire()
            except TimeoutError as failure:
                raise PoolTimeoutError(f"no connection was free for {self.timeout()} s") from failure
        else:
            await self._turns.acquire()
        try:
            yield
        finally:
            self._turns.release()
