"""Opens connections: tries all hosts of the URL at once and takes the first that fits.

The driver tries one after the other, so that a host without a response uses up the time of the next.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import URL

type Connect = Callable[..., Awaitable[asyncpg.Connection]]

PREFER_STANDBY = "prefer-standby"

CONNECT_FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a server killed during a response, or no server of the requested kind
    OSError,  # also TimeoutError
)
"""What the driver raises when it cannot connect."""


WITHOUT_TIMEOUTS = """
    SELECT pg_catalog.set_config(name, '0', false)
    FROM unnest(ARRAY[
        'statement_timeout', 'lock_timeout', 'transaction_timeout',
        'idle_session_timeout', 'idle_in_transaction_session_timeout'
    ]) AS name
"""
"""For an administrator's session: removes the timeouts of the server, the database and the role."""


async def connect_to(url: URL, *, seconds: float) -> asyncpg.Connection:
    """Open a connection outside a pool, to the URL of `read_database_url`; raises what the driver raises."""
    options = url.translate_connect_args(username="user")
    return await connect(**options, **url.query, timeout=seconds)


async def connect(**options: Any) -> asyncpg.Connection:
    """Open a connection; the options are the driver's and the query parameters of `read_database_url`.

    Raises TimeoutError, OSError, asyncpg's PostgresError, or its TargetServerAttributeNotMatched when servers respond
    but none matches `target_session_attrs`.
    """
    parameters = {name: value for name in ("application_name", "options") if (value := options.pop(name, None))}
    options["server_settings"] = options.pop("server_settings", {}) | parameters
    seconds: float = options.pop("timeout")
    seconds = min(seconds, int(options.pop("connect_timeout", 0)) or seconds)
    hosts: Sequence[str] = options.pop("hosts", ())
    wanted = options.pop("target_session_attrs", None) or os.environ.get("PGTARGETSESSIONATTRS") or "any"
    if not hosts:
        # A single host is accepted, whichever kind it is.
        wanted = "any" if wanted == PREFER_STANDBY else wanted
        return await asyncpg.connect(target_session_attrs=wanted, timeout=seconds, **options)
    if wanted != PREFER_STANDBY:
        return await _first_of(hosts, wanted, seconds, options)
    try:
        return await _first_of(hosts, "standby", seconds / 2, options)
    except CONNECT_FAILURES:
        return await _first_of(hosts, "any", seconds / 2, options)


async def _first_of(hosts: Sequence[str], wanted: str, seconds: float, others: dict[str, Any]) -> asyncpg.Connection:
    """Try every host; return the first connection that fits, and close those that arrive later."""
    attempts = [asyncio.create_task(_try(host, wanted, seconds, others)) for host in hosts]
    chosen: asyncpg.Connection | None = None
    failures: list[Exception] = []
    try:
        for attempt in asyncio.as_completed(attempts):
            try:
                chosen = await attempt
            except CONNECT_FAILURES as failure:
                failures.append(failure)
            else:
                return chosen
    finally:
        for task in attempts:
            task.cancel()
            task.add_done_callback(partial(_close_all_but, chosen))
    # An error from a server is more specific than a failure to reach one.
    raise min(failures, key=lambda failure: isinstance(failure, OSError))


async def _try(host: str, wanted: str, seconds: float, others: dict[str, Any]) -> asyncpg.Connection:
    name, _, port = host.rpartition(":")
    return await asyncpg.connect(host=name, port=int(port), target_session_attrs=wanted, timeout=seconds, **others)


def _close_all_but(chosen: asyncpg.Connection | None, task: asyncio.Task[asyncpg.Connection]) -> None:
    """Close a connection that arrived too late; read an exception, or asyncio would log that it was never retrieved."""
    if not task.cancelled() and not task.exception() and task.result() is not chosen:
        task.result().terminate()
