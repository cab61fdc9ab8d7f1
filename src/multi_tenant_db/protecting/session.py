"""The administrator's session of `mtdb table`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import URL

from multi_tenant_db.database.connecting import WITHOUT_TIMEOUTS, connect_to
from multi_tenant_db.database.short_locks import LOCKS_HELD, run_with_short_locks
from multi_tenant_db.protecting.protection_error import ProtectionError
from multi_tenant_db.schema.schema_revision import REQUIRED_SCHEMA_REVISION

CONNECT_TIMEOUT_SECONDS = 10

BECOME_OWNER = "SET LOCAL ROLE tenancy_owner"

LOCK = 0x6D7464625F746162
"""Key of the advisory lock that every command takes: they share the trigger on tenants."""


@asynccontextmanager
async def administrators_session(url: URL) -> AsyncIterator[asyncpg.Connection]:
    """Open a superuser's session that no other command shares. Raises ProtectionError, and what the driver raises."""
    connection = await connect_to(url, seconds=CONNECT_TIMEOUT_SECONDS)
    try:
        await connection.execute(WITHOUT_TIMEOUTS)
        await connection.execute("SET search_path = pg_catalog")
        await _check(connection)
        yield connection
    finally:
        await connection.close()


async def _check(connection: asyncpg.Connection) -> None:
    if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        raise ProtectionError("the user in the URL is no superuser, which reading the tenants past the policies needs")
    if not await connection.fetchval("SELECT to_regclass('public.alembic_version') IS NOT NULL"):
        raise ProtectionError("the database has no schema: run `mtdb migrate`")
    revision = await connection.fetchval("SELECT version_num FROM public.alembic_version")
    if revision != REQUIRED_SCHEMA_REVISION:
        raise ProtectionError(f"the schema is at revision {revision}: run `mtdb migrate`")
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
        raise ProtectionError("another `mtdb table` is at work on this server: wait for its end")


@asynccontextmanager
async def as_owner(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Open a transaction in which the session has the owner's rights, and is bound as the owner is."""
    async with connection.transaction():
        await connection.execute(BECOME_OWNER)
        yield


async def change(connection: asyncpg.Connection, work: Callable[[], Awaitable[None]]) -> None:
    """Change the catalogue as the owner, in a transaction that waits only shortly for locks; try again if it failed.

    Raises ProtectionError if other transactions hold their locks throughout.
    """

    async def work_as_owner() -> None:
        await connection.execute(BECOME_OWNER)
        await work()

    try:
        await run_with_short_locks(connection, work_as_owner)
    except LOCKS_HELD:
        raise ProtectionError(
            "a long transaction holds locks on the table or on tenancy.tenants: run again when it ended"
        ) from None


async def execute_all(connection: asyncpg.Connection, *statements: str) -> None:
    """Execute statements one after the other."""
    for statement in statements:
        await connection.execute(statement)


async def literal(connection: asyncpg.Connection, text: str) -> str:
    """Return a literal for statements that take no parameters."""
    quoted: str = await connection.fetchval("SELECT quote_literal($1::text)", text)
    return quoted
