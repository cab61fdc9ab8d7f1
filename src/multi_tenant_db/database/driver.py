"""Straight to the driver, past SQLAlchemy; failures come as SQLAlchemy's, so that nobody need know two kinds."""

import asyncpg
from sqlalchemy.exc import DBAPIError

from multi_tenant_db.database.engine import UNKNOWN_PREPARED_STATEMENT


async def execute(driver: asyncpg.Connection, message: str) -> str:
    """Run statements without parameters in one message; return the status of the last. Raises DBAPIError."""
    try:
        status: str = await driver.execute(message)
    except asyncpg.PostgresError as failure:
        raise as_dbapi_error(driver, message, failure) from failure
    return status


def as_dbapi_error(driver: asyncpg.Connection, text: str, failure: asyncpg.PostgresError) -> DBAPIError:
    """Return what SQLAlchemy would have raised; a session that lost our prepared statements is closed."""
    if failure.sqlstate == UNKNOWN_PREPARED_STATEMENT:
        driver.terminate()
    return DBAPIError(text, None, failure, hide_parameters=True, connection_invalidated=driver.is_closed())
