"""How a connection is made: all hosts of the URL are asked at once, and the first that fits is taken.

One after the other, as the driver asks them, a silent host uses up the time in which the next would have answered.
"""

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import URL

PREFER_STANDBY = "prefer-standby"

CONNECT_FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a server killed in the middle of an answer, or none of the wanted kind
    OSError,  # also TimeoutError
)
"""What the driver raises when no connection comes about."""


WITHOUT_TIMEOUTS = """
    SELECT pg_catalog.set_config(name, '0', false)
    FROM unnest(ARRAY[
        'statement_timeout', 'lock_timeout', 'transaction_timeout',
        'idle_session_timeout', 'idle_in_transaction_session_timeout'
    ]) AS name
"""
"""For an administrator's session, which may take its time, whatever the server, the database or the role limits."""


async def connect_to(url: URL, *, seconds: float) -> asyncpg.Connection:
    """Open a connection outside a pool, to the server that `read_database_url` read; raises what the driver raises."""
    options = url.translate_connect_args(username="user")
    return await connect(**options, **url.query, timeout=seconds)


async def connect(**options: Any) -> asyncpg.Connection:
    """Open a connection; the options are the driver's, with what `read_database_url` has read besides.

    Raises TimeoutError, OSError, asyncpg's PostgresError, or its TargetServerAttributeNotMatched when servers answer,
    but none is what `target_session_attrs` wants.
    """
    said = {name: value for name in ("application_name", "options") if (value := options.pop(name, None))}
    options["server_settings"] = options.pop("server_settings", {}) | said
    seconds: float = options.pop("timeout")
    seconds = min(seconds, int(options.pop("connect_timeout", 0)) or seconds)
    hosts: Sequence[str] = options.pop("hosts", ())
    wanted = options.pop("target_session_attrs", None) or os.environ.get("PGTARGETSESSIONATTRS") or "any"
    if not hosts:
        # The one there is is preferred, whatever it is.
        wanted = "any" if wanted == PREFER_STANDBY else wanted
        return await asyncpg.connect(target_session_attrs=wanted, timeout=seconds, **options)
    if wanted != PREFER_STANDBY:
        return await _first_of(hosts, wanted, seconds, options)
    try:
        return await _first_of(hosts, "standby", seconds / 2, options)
    except CONNECT_FAILURES:
        return await _first_of(hosts, "any", seconds / 2, options)


async def _first_of(hosts: Sequence[str], wanted: str, seconds: float, others: dict[str, Any]) -> asyncpg.Connection:
    """Ask every host; return the first connection that fits, and close what the others still bring."""
    asked = [asyncio.create_task(_ask(host, wanted, seconds, others)) for host in hosts]
    chosen: asyncpg.Connection | None = None
    failures: list[Exception] = []
    try:
        for answer in asyncio.as_completed(asked):
            try:
                chosen = await answer
            except CONNECT_FAILURES as failure:
                failures.append(failure)
            else:
                return chosen
    finally:
        for task in asked:
            task.cancel()
            task.add_done_callback(partial(_close_all_but, chosen))
    # A server that answered with a reason says more than one that did not answer.
    raise min(failures, key=lambda failure: isinstance(failure, OSError))


async def _ask(host: str, wanted: str, seconds: float, others: dict[str, Any]) -> asyncpg.Connection:
    name, _, port = host.rpartition(":")
    return await asyncpg.connect(host=name, port=int(port), target_session_attrs=wanted, timeout=seconds, **others)


def _close_all_but(chosen: asyncpg.Connection | None, task: asyncio.Task[asyncpg.Connection]) -> None:
    """Close a connection that came too late; read a failure, so that asyncio does not report it as forgotten."""
    if not task.cancelled() and not task.exception() and task.result() is not chosen:
        task.result().terminate()
