"""Sessions of an administrator on the two servers of a move."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
from sqlalchemy import URL

from multi_tenant_db.database import short_locks
from multi_tenant_db.database.connecting import WITHOUT_TIMEOUTS, connect_to
from multi_tenant_db.database_url import DEFAULT_PORT
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.pause_too_long import PauseTooLong

CONNECT_TIMEOUT_SECONDS = 10

SETTINGS = {
    # Names are then printed with their schema, and rows alike on both servers.
    "search_path": "pg_catalog",
    "quote_all_identifiers": "off",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    # What the other server is told must be there after a crash.
    "synchronous_commit": "on",
}
PRIVACY = {
    # The subscription's statement contains a password.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_duration": "off",
    "track_activities": "off",
}
SET = "SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS setting (name, value)"

LOCK = 0x6D7464625F6D6F76
"""Key of the advisory lock that a move takes on the server it moves from, an import and an erasure on theirs."""

SECONDS_BETWEEN_QUICK_LOOKS = 0.005


async def connect(url: URL, label: str) -> asyncpg.Connection:
    """Open a session as a superuser. Raises MoveError, and what the driver raises."""
    connection = await connect_to(url, seconds=CONNECT_TIMEOUT_SECONDS)
    await connection.execute(WITHOUT_TIMEOUTS)
    if not await connection.fetchval("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"):
        await connection.close()
        raise MoveError(f"the user in the URL of {label} is no superuser: name one, whom the policies do not restrict")
    chosen = SETTINGS | PRIVACY
    await connection.execute(SET, [*chosen], [*chosen.values()])
    return connection


def connection_string(url: URL, address: str | None = None) -> str:
    """Return the URL in libpq's form, for another server; `address` is `host:port` as that server reaches it."""
    addresses: Sequence[str] = url.query.get("hosts", ()) or [f"{url.host}:{url.port or DEFAULT_PORT}"]
    split = [one.rpartition(":") for one in ([address] if address else addresses)]
    values = {
        "host": ",".join(host for host, _, _ in split),
        "port": ",".join(port for _, _, port in split),
        "dbname": url.database,
        "user": url.username,
        "password": url.password,
        "sslmode": os.environ.get("PGSSLMODE"),
        "target_session_attrs": "read-write" if len(split) > 1 else None,
        "connect_timeout": str(CONNECT_TIMEOUT_SECONDS),
    }
    return " ".join(f"{name}='{_escaped(value)}'" for name, value in values.items() if value)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


async def quoted(connection: asyncpg.Connection, text: str) -> str:
    """Return a literal for statements that take no parameters."""
    literal: str = await connection.fetchval("SELECT quote_literal($1::text)", text)
    return literal


async def run_with_short_locks[Result](
    connection: asyncpg.Connection,
    work: Callable[[], Awaitable[Result]],
    *,
    ends_at: float = float("inf"),
    transaction_timeout_ms: int = short_locks.TRANSACTION_TIMEOUT_MS,
) -> Result:
    """Run work in a transaction that waits only shortly for locks; try again, until a time of the loop's clock.

    Work that locks no more than the organisation's rows may set the timeout to 0, which is none.

    Raises MoveError if other transactions hold their locks throughout, or PauseTooLong at that time.
    """
    try:
        return await short_locks.run_with_short_locks(
            connection, work, ends_at=ends_at, transaction_timeout_ms=transaction_timeout_ms
        )
    except short_locks.LOCKS_HELD:
        if asyncio.get_running_loop().time() > ends_at:
            raise PauseTooLong from None
        raise MoveError(
            "a long transaction holds locks on the organisation's tables: try again when it has ended"
        ) from None


async def wait_while(connection: asyncpg.Connection, query: str, argument: str) -> None:
    """Wait as long as the query's result is true, or more than zero."""
    while await connection.fetchval(query, argument):  # noqa: ASYNC110 - the server sends no notification
        await asyncio.sleep(SECONDS_BETWEEN_QUICK_LOOKS)


async def lock_moves(connection: asyncpg.Connection) -> None:
    """Let no second command move from, import into or erase on this server while this session lasts.

    Raises MoveError.
    """
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
        raise MoveError(
            "another `mtdb organization move`, or an import or erasure, is at work on this server: wait for its end"
        )
