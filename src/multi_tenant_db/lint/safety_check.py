"""The safety check of a database, at start-up and by `mtdb check`."""

import asyncio
from time import monotonic

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.errors import DatabaseUnavailable
from multi_tenant_db.lint.catalogue_lint import find_all
from multi_tenant_db.lint.safety_report import SafetyReport
from multi_tenant_db.lint.unsafe_database_error import UnsafeDatabaseError

SECONDS_BETWEEN_TRIES = 0.5
SECONDS_BETWEEN_LINES = 30
"""Interval of the log line while the cause is the same."""

SERVER_VERSION = text("SELECT current_setting('server_version')")

log = structlog.get_logger()


async def require_safe_database(engine: AsyncEngine, *, allow_untested: bool = False) -> SafetyReport:
    """Return the report if it has no dangers.

    Raises UnsafeDatabaseError, or DatabaseUnavailable.
    """
    report = await check_database(engine, allow_untested=allow_untested)
    if report.dangers:
        raise UnsafeDatabaseError(report.dangers)
    return report


async def await_safe_database(engine: AsyncEngine, seconds: float, *, allow_untested: bool = False) -> SafetyReport:
    """Wait up to `seconds` for a database that is unavailable; otherwise like `require_safe_database`."""
    deadline = monotonic() + seconds
    logged, logged_at = "", 0.0
    while True:
        try:
            return await require_safe_database(engine, allow_untested=allow_untested)
        except DatabaseUnavailable as error:
            if monotonic() >= deadline:
                raise
            cause = str(error.__cause__)
            if cause != logged or monotonic() > logged_at + SECONDS_BETWEEN_LINES:
                log.warning("waiting for the database", cause=cause)
                logged, logged_at = cause, monotonic()
        await asyncio.sleep(SECONDS_BETWEEN_TRIES)


async def check_database(engine: AsyncEngine, *, allow_untested: bool = False) -> SafetyReport:
    """Check the database as the role of the engine; `allow_untested` accepts a major version without attacks."""
    async with transaction(engine) as session:
        server_version: str = await session.scalar(SERVER_VERSION) or ""
        findings = await find_all(await session.connection(), allow_untested=allow_untested)
        return SafetyReport(server_version, findings)
