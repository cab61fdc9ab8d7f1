"""The service's connections, counted where they cannot be hidden: in the database."""

import asyncpg

from tests.reliability.support.until import until
from tests.support.test_database import TestDatabase

COUNT = """
    SELECT count(*) FROM pg_stat_activity WHERE usename = 'tenancy_api' AND datname = current_database()
"""
COUNT_IN_TRANSACTION = """
    SELECT count(DISTINCT activity.pid)
    FROM pg_stat_activity AS activity
    JOIN pg_locks AS lock ON lock.pid = activity.pid AND lock.locktype = 'virtualxid'
    WHERE activity.usename = 'tenancy_api' AND activity.datname = current_database()
"""
"""By their locks: the role's activity is not tracked, since statements and tokens are nobody's business."""


async def count_connections(database: TestDatabase) -> int:
    """Return how many connections the service has."""
    return await _count(database, COUNT)


async def count_settled_connections(database: TestDatabase) -> int:
    """Wait until none is in a transaction, and return how many there are; call it without load."""

    async def nobody_is_busy() -> bool:
        return await _count(database, COUNT_IN_TRANSACTION) == 0

    await until(nobody_is_busy, "no connection is in a transaction, since nobody asks for anything")
    return await count_connections(database)


async def _count(database: TestDatabase, statement: str) -> int:
    connection: asyncpg.Connection = await database.connect_as_admin()
    try:
        return int(await connection.fetchval(statement))
    finally:
        await connection.close()
