"""Changes of the catalogue on a server that is in use."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import asyncpg

LOCK_TIMEOUT_MS = 100
"""While a lock is waited for, later statements of all callers wait behind it."""
TRIES = 100
TRANSACTION_TIMEOUT_MS = 5_000
"""The server ends a session that holds such locks for longer: its command has stalled, and others wait."""

LOCKS_HELD = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)


async def run_with_short_locks[Result](
    connection: asyncpg.Connection,
    work: Callable[[], Awaitable[Result]],
    *,
    ends_at: float = float("inf"),
    transaction_timeout_ms: int = TRANSACTION_TIMEOUT_MS,
) -> Result:
    """Run work in a transaction that waits only shortly for locks; try again, until a time of the loop's clock.

    Raises one of LOCKS_HELD if other transactions hold their locks throughout, or at that time.
    """
    tried = 0
    while True:
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
                await connection.execute(f"SET LOCAL transaction_timeout = {transaction_timeout_ms}")
                return await work()
        except LOCKS_HELD:
            tried += 1
            if tried == TRIES or asyncio.get_running_loop().time() > ends_at:
                raise
            await asyncio.sleep(random.uniform(0.02, 0.2))  # noqa: S311 - so that others get their turn
