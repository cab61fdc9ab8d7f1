"""A connection that a whole run of tests shares."""

from collections.abc import Awaitable, Callable

import asyncpg

RESET = """
    SET SESSION AUTHORIZATION DEFAULT;
    RESET ALL;
    CLOSE ALL;
    UNLISTEN *;
    DISCARD TEMP;
    SELECT pg_advisory_unlock_all();
"""


class KeptConnection:
    """Keeps a connection open from test to test, with its prepared statements and cached types.

    A test gets it without any setting of the test before. One that was closed, or left in a transaction, is replaced.
    """

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        self._connect = connect
        self._connection: asyncpg.Connection | None = None

    async def get(self) -> asyncpg.Connection:
        """Return the connection, reset."""
        if self._connection is not None and self._connection.is_in_transaction():
            await self.close()
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        else:
            await self._connection.execute(RESET)
        return self._connection

    async def close(self) -> None:
        """Close it."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
