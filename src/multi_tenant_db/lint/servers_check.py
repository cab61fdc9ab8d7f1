"""The safety check of every server at start-up; servers that are away do not hold up the others."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from math import inf
from time import monotonic
from typing import Any

import structlog

from multi_tenant_db.database.server import Server
from multi_tenant_db.database.servers import Servers
from multi_tenant_db.errors import DatabaseUnavailable
from multi_tenant_db.lint.safety_check import await_safe_database
from multi_tenant_db.lint.safety_report import SafetyReport
from multi_tenant_db.lint.unsafe_database_error import UnsafeDatabaseError

PATIENCE_SECONDS = 2.0
"""How long the start waits for a server that is away when another is there, and at least for the first."""

log = structlog.get_logger()


@asynccontextmanager
async def safe_servers(
    servers: Servers, seconds: float, *, allow_untested: bool = False
) -> AsyncIterator[Mapping[str, SafetyReport]]:
    """Refuse to start on an unsafe database; wait up to `seconds` for the first that is available.

    Gives the reports of the servers that are there, by label. Requests to a server that is away then are 503 until it
    is back and has been checked. Raises UnsafeDatabaseError, or DatabaseUnavailable.
    """
    if len(servers) == 1:
        engine = servers.default.engine
        yield {servers.default.label: await await_safe_database(engine, seconds, allow_untested=allow_untested)}
        return
    checks = [
        asyncio.create_task(_check(server, allow_untested=allow_untested), name=server.label) for server in servers
    ]
    try:
        reports = await _await_first(checks, seconds)
        later = [asyncio.create_task(_watch(check)) for check in checks if not check.done()]
        try:
            yield reports
        finally:
            await _cancel(later)
    finally:
        await _cancel(checks)


async def _check(server: Server, *, allow_untested: bool) -> SafetyReport:
    """Wait for the server and check it; then requests may be sent to it. Raises UnsafeDatabaseError."""
    server.awaits_check = True
    try:
        report = await await_safe_database(server.engine, inf, allow_untested=allow_untested)
    except UnsafeDatabaseError as error:
        raise UnsafeDatabaseError(error.dangers, server.label) from None
    server.awaits_check = False
    return report


async def _await_first(checks: list[asyncio.Task[SafetyReport]], seconds: float) -> dict[str, SafetyReport]:
    started = monotonic()
    done, pending = await asyncio.wait(checks, timeout=PATIENCE_SECONDS)
    if not done:
        left = max(0.0, started + seconds - monotonic())
        done, pending = await asyncio.wait(checks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
    if not done:
        raise DatabaseUnavailable("none of the servers responds")
    reports = {check.get_name(): check.result() for check in checks if check in done}
    for check in pending:
        log.warning("a server is away: its organisations get 503 until it is back", server=check.get_name())
    return reports


async def _watch(check: asyncio.Task[SafetyReport]) -> None:
    """Report the check of a server that came back after the start."""
    server = check.get_name()
    try:
        report = await check
    except UnsafeDatabaseError as error:
        log.exception("a server is not safe: its organisations get 503", server=server, dangers=str(error))
    except Exception:
        log.exception("a server cannot be checked: its organisations get 503", server=server)
    else:
        log.info("a server is back and safe", server=server)
        for warning in report.warnings:
            log.warning(str(warning), server=server)


async def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
