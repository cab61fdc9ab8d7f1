"""Watches how far a standby has come."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from math import ceil
from time import monotonic

import asyncpg
import structlog
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.connecting import connect_to
from multi_tenant_db.database.servers import Servers
from multi_tenant_db.database.standby import STARTED_AT, Standby
from multi_tenant_db.database.unfit_standby_error import UnfitStandbyError

SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_BETWEEN_TRIES = 0.5
SECONDS_BETWEEN_LINES = 30.0
"""Interval of the log line while the cause is the same."""

PATIENCE_SECONDS = 1.0
"""For a response of either server; a standby that takes longer loses its reads to the primary."""

WRITTEN = """
    SELECT CASE
        WHEN written % pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) = 40 THEN written - 40
        WHEN written % pg_catalog.current_setting('wal_block_size')::bigint = 24 THEN written - 24
        ELSE written
    END
    FROM (SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS written) AS log
"""
"""The end of the last record in the log of the primary, in bytes.

The end of what is inserted, not of what is flushed: with `synchronous_commit = off` a commit is acknowledged earlier.
Between two pages it is after the next page's header, of 40 bytes in the first page of a segment and 24 in others;
a standby that has replayed all is before the header.
"""

APPLIED = """
    SELECT CASE WHEN pg_catalog.pg_is_in_recovery()
        THEN (pg_catalog.pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint
    END
"""
"""The end of the last record that the standby shows, in bytes; NULL when it has been promoted."""

HISTORY_OF_PRIMARY = """
    SELECT system_identifier,
        ('x' || left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))::bit(32)::integer
    FROM pg_catalog.pg_control_system()
"""
HISTORY_OF_STANDBY = """
    SELECT system_identifier, greatest(timeline_id, min_recovery_end_timeline)
    FROM pg_catalog.pg_control_system(), pg_catalog.pg_control_checkpoint(), pg_catalog.pg_control_recovery()
"""
"""The cluster and its timeline. Positions in the logs of different ones cannot be compared."""

type Check = Callable[[AsyncEngine], Awaitable[object]]
"""The safety check of a database, which raises an error if it is not safe."""

log = structlog.get_logger()


@asynccontextmanager
async def watched_standbys(servers: Servers, check: Check) -> AsyncIterator[None]:
    """Watch every standby of the servers; without any, do nothing."""
    watches = [
        asyncio.create_task(_watch(standby, server.reads.primary_url, check))
        for server in servers
        if server.reads
        for standby in server.reads.standbys
    ]
    try:
        yield
    finally:
        await _cancel(watches)


async def _watch(standby: Standby, primary_url: URL, check: Check) -> None:
    logged, logged_at = "", 0.0
    while True:
        try:
            await _follow(standby, primary_url, check)
        except Exception as failure:  # noqa: BLE001 - whatever it is, reads go to the primary
            cause = _cause(failure)
            # The URL of standbys may name the primary, too: it is a standby after the next failover.
            is_primary = isinstance(failure, asyncpg.TargetServerAttributeNotMatched)
            if cause != logged or (not is_primary and monotonic() > logged_at + SECONDS_BETWEEN_LINES):
                tell = log.info if is_primary else log.warning
                tell("a server is not used for reads", host=standby.url.host, port=standby.url.port, cause=cause)
                logged, logged_at = cause, monotonic()
        await asyncio.sleep(SECONDS_BETWEEN_TRIES)


def _cause(failure: Exception) -> str:
    if isinstance(failure, asyncpg.TargetServerAttributeNotMatched):
        return "it is the primary, no standby"
    return f"{type(failure).__name__}: {failure.__cause__ or failure}".removesuffix(": ")


async def _follow(standby: Standby, primary_url: URL, check: Check) -> None:
    """Note the standby's progress until either server fails; raises whatever happens."""
    async with _connection(primary_url) as primary, _connection(standby.url) as driver:
        standby.identify(await driver.fetchval(STARTED_AT, timeout=PATIENCE_SECONDS))
        history = await primary.fetchrow(HISTORY_OF_PRIMARY, timeout=PATIENCE_SECONDS)
        if await driver.fetchrow(HISTORY_OF_STANDBY, timeout=PATIENCE_SECONDS) != history:
            raise UnfitStandbyError("it follows another primary, or has made no checkpoint since a promotion")
        await check(standby.engine)
        log.info("a standby is used for reads", host=standby.url.host)
        await _note_progress(standby, primary, driver)


async def _note_progress(standby: Standby, primary: asyncpg.Connection, driver: asyncpg.Connection) -> None:
    """Compare the two logs again and again.

    What was acknowledged until a moment is in the primary's log at any later moment. As soon as the standby has
    applied the log up to there, it shows all that was acknowledged until the moment.
    """
    looks: deque[tuple[float, int]] = deque(maxlen=ceil(2 * standby.max_lag_seconds / SECONDS_BETWEEN_LOOKS) + 10)
    is_near = True
    while True:
        moment = monotonic()
        looks.append((moment, await primary.fetchval(WRITTEN, timeout=PATIENCE_SECONDS)))
        try:
            applied = await _position(driver)
        except Exception:
            standby.abandon()
            raise
        if progress := [moment for moment, written in looks if written <= applied]:
            standby.note_progress(progress[-1])
            while looks and looks[0][0] <= progress[-1]:
                looks.popleft()
        if is_near is not (standby.lag() <= standby.max_lag_seconds):
            is_near = not is_near
            log.info("a standby is near enough for reads" if is_near else "a standby is too far behind for reads")
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


async def _position(driver: asyncpg.Connection) -> int:
    applied: int | None = await driver.fetchval(APPLIED, timeout=PATIENCE_SECONDS)
    if applied is None:
        raise UnfitStandbyError("it has been promoted")
    return applied


@asynccontextmanager
async def _connection(url: URL) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect_to(url, seconds=PATIENCE_SECONDS)
    try:
        yield connection
    finally:
        connection.terminate()


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
