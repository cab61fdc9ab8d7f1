"""Straight to the driver, past SQLAlchemy; failures come as SQLAlchemy's, so that nobody need know two kinds."""

import asyncpg
from sqlalchemy.exc import DBAPIError

from multi_tenant_db.database.failures import LOST, is_end_of

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, *LOST)
"""What a statement may raise: what the server says, what the driver finds wrong, and the loss of the connection."""


async def execute(driver: asyncpg.Connection, message: str, *, seconds: float | None = None) -> str:
    """Run statements without parameters in one message; return the status of the last. Raises DBAPIError.

    Waits for the answer as long as the driver is told to in general, or so many seconds.
    """
    try:
        status: str = await driver.execute(message, timeout=seconds)
    except FAILURES as failure:
        raise as_dbapi_error(driver, message, failure) from failure
    return status


def as_dbapi_error(driver: asyncpg.Connection, text: str, failure: Exception) -> DBAPIError:
    """Return what SQLAlchemy would have raised; a connection that is of no more use is closed, without farewell."""
    if is_end_of(driver, failure):
        driver.terminate()
    return DBAPIError(text, None, failure, hide_parameters=True, connection_invalidated=driver.is_closed())
