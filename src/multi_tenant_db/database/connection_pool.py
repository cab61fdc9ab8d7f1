"""The connection pool."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool, PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from multi_tenant_db.database.connecting import CONNECT_FAILURES
from multi_tenant_db.database.fair_queue import FairQueue
from multi_tenant_db.errors import DatabaseUnavailable

NEEDS_RESET = "needs reset"
"""In the `info` of a connection on which other SQL than compiled statements ran: it may have left something behind."""

MOST_VERIFIED = 10_000
"""Tokens with turns of their own; the least recently used is forgotten."""


class ConnectionPool(NullPool):
    """Keeps up to `pool_size` connections open. Waiting callers get slots in turn, each for its earliest request.

    SQLAlchemy opens and uses the connections but keeps none. A connection returns to the pool only by
    `release`, after its caller has reset the session if it needs that. In any other case it is closed: SQLAlchemy's own
    `engine.connect()` opens a connection of its own and closes it.
    """

    def __init__(self, creator: Any, pool_size: int = 1, timeout: float = 1.0, **options: Any) -> None:
        super().__init__(creator, **options)
        self.connect_failures = 0
        self._size = pool_size
        self._timeout = timeout
        self._slots = FairQueue(pool_size)
        self._idle: list[PoolProxiedConnection] = []
        self._disposed = False
        self._verified: OrderedDict[str, None] = OrderedDict()

    def recreate(self) -> Self:
        """Return a new pool with the same configuration, for SQLAlchemy's dispose()."""
        return type(self)(
            self._creator,
            pool_size=self._size,
            timeout=self._timeout,
            recycle=self._recycle,
            echo=self.echo,
            logging_name=self._orig_logging_name,
            reset_on_return=self._reset_on_return,
            pre_ping=self._pre_ping,
            _dispatch=self.dispatch,
            dialect=self._dialect,
        )

    @asynccontextmanager
    async def slot(self, token: str | None = None) -> AsyncIterator[None]:
        """Hold one of the pool's slots; raises SQLAlchemy's TimeoutError after the pool's timeout.

        Requests that wait are served in turn by token. Those without a token, or with one that the database has not
        verified on this pool, share one turn: many invented tokens are no more than one caller.
        """
        key = token if token in self._verified else None
        if not self._slots.acquire_nowait(key):
            try:
                async with asyncio.timeout(self._timeout):
                    await self._slots.acquire(key)
            except TimeoutError as failure:
                raise PoolTimeoutError(f"no connection was free for {self._timeout} s") from failure
        try:
            yield
        finally:
            self._slots.release(key)

    def note_verified(self, token: str) -> None:
        """Give a token turns of its own, after the database has verified it. It decides about nothing else."""
        self._verified[token] = None
        self._verified.move_to_end(token)
        if len(self._verified) > MOST_VERIFIED:
            self._verified.popitem(last=False)

    async def acquire(self) -> PoolProxiedConnection:
        """Return the connection that was released last, or a new one. Call it while holding a slot.

        Raises DatabaseUnavailable, or DBAPIError without a statement when the server refuses the login.
        """
        while self._idle:
            connection = self._idle.pop()
            driver: Any = connection.driver_connection
            if not driver.is_closed():  # reads the driver's state; sends nothing
                return connection
            connection.invalidate()
        try:
            return await greenlet_spawn(self.connect)
        except CONNECT_FAILURES as failure:
            self.connect_failures += 1
            raise DatabaseUnavailable from failure
        except AsyncAdapt_asyncpg_dbapi.Error as failure:
            self.connect_failures += 1
            raise DBAPIError(None, None, failure) from failure

    def release(self, connection: PoolProxiedConnection) -> None:
        """Return a connection; close one that needs a reset and had none."""
        if NEEDS_RESET in connection.info or self._disposed:
            connection.invalidate()
        else:
            self._idle.append(connection)

    def drop_idle(self) -> None:
        """Close the idle connections without waiting for the server, which does not respond or was replaced."""
        while self._idle:
            connection = self._idle.pop()
            connection.driver_connection.terminate()  # type: ignore[union-attr]  # a connection that is kept has a driver's
            connection.invalidate()

    def dispose(self) -> None:
        """Close the idle connections."""
        self._disposed = True
        while self._idle:
            self._idle.pop().close()
        super().dispose()

    def size(self) -> int:
        """Return the maximum number of connections."""
        return self._size

    def in_use(self) -> int:
        """Return how many slots are held."""
        return self._slots.in_use()

    def waiting(self) -> int:
        """Return how many requests wait for a slot."""
        return self._slots.waiting()


def pool_of(engine: AsyncEngine) -> ConnectionPool:
    """Return the engine's current pool; `dispose` replaces it."""
    pool = engine.pool
    if not isinstance(pool, ConnectionPool):
        raise TypeError("make engines with create_engine(): the pool must be a ConnectionPool")
    return pool
