"""Connections that a whole run of tests shares."""

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


class KeptConnections:
    """Keeps connections open from test to test, with their prepared statements and cached types.

    A test gets one without any setting of the test before. One that was closed, or left in a transaction, is replaced.
    """

    def __init__(self) -> None:
        self._kept: dict[Callable[[], Awaitable[asyncpg.Connection]], asyncpg.Connection] = {}

    async def get(self, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> asyncpg.Connection:
        """Return the connection that this method of a database made, reset, or have it make one."""
        connection = self._kept.get(connect)
        if connection is not None and connection.is_in_transaction():
            await connection.close()
        if connection is None or connection.is_closed():
            connection = self._kept[connect] = await connect()
        else:
            await connection.execute(RESET)
        return connection

    async def close(self) -> None:
        """Close them all."""
        for connection in self._kept.values():
            await connection.close()
