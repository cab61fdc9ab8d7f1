"""Waits for transactions that began before an erasure: what they wrote, or write, is not seen until they end."""

import asyncio

import asyncpg

LONGEST_WAIT_SECONDS = 60.0
"""Much longer than a transaction of the service lasts, which its role's settings limit."""

# Transactions that have written, and all of the service's roles: their statements may still see an erased token.
# A session's own virtual transaction is the lock that lasts as long as the transaction, whatever the session set.
OPEN = """
    SELECT held.virtualtransaction
    FROM pg_locks AS held
    JOIN pg_stat_activity AS session ON session.pid = held.pid
    WHERE held.locktype = 'virtualxid'
      AND held.virtualxid = held.virtualtransaction
      AND held.pid <> pg_backend_pid()
      AND session.datname = current_database()
      AND (session.backend_xid IS NOT NULL OR session.usename IN ('tenancy_api', 'tenancy_operator'))
"""


async def wait_for_older_transactions(connection: asyncpg.Connection) -> None:
    """Return when the transactions that are open now have ended. Raises TimeoutError if they do not."""
    older = {row["virtualtransaction"] for row in await connection.fetch(OPEN)}
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + LONGEST_WAIT_SECONDS
    while older:
        if loop.time() > ends_at:
            raise TimeoutError("transactions that began before the erasure are still open")
        await asyncio.sleep(0.05)
        older &= {row["virtualtransaction"] for row in await connection.fetch(OPEN)}
