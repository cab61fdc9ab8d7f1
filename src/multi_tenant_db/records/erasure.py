"""Erases an organisation or a tenant: its rows in all tables, its tokens, idempotency keys, and what events say.

Foreign keys and triggers hold as for any deletion.
"""

from collections.abc import Sequence

import asyncpg

from multi_tenant_db.lint.expected import EVENTS, MOVED_TOKENS, REQUESTS, TENANTS, TOKENS
from multi_tenant_db.moving.administration import lock_moves, run_with_short_locks
from multi_tenant_db.moving.move_name import move_name
from multi_tenant_db.records.catalogue import check_tables, find_record_tables, in_order_of_deletion
from multi_tenant_db.records.erased_scope import ErasedScope
from multi_tenant_db.records.mentions import mentions_an_id
from multi_tenant_db.records.record_table import RecordTable
from multi_tenant_db.records.records_error import RecordsError
from multi_tenant_db.records.revision import require_revision
from multi_tenant_db.records.scope import Scope
from multi_tenant_db.records.trail import erase_trail

IS_MOVING = """
    SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)
        OR EXISTS (
            SELECT FROM pg_subscription AS subscription
            JOIN pg_database AS database ON database.oid = subscription.subdbid
            WHERE subscription.subname = $1 AND database.datname = current_database()
        )
"""

ANSWERS = f"""
    DELETE FROM {REQUESTS} AS request
    WHERE request.tenant_id = ANY ($1::uuid[])
       OR {mentions_an_id("request.answer::text")}
       OR {mentions_an_id("request.idempotency_key")}
"""
"""Those of the tenants, and those of operators and parents that created one of them."""

MOVED = f"DELETE FROM {MOVED_TOKENS} WHERE token_hash = ANY ($1::bytea[])"


async def erase(connection: asyncpg.Connection, scope: Scope) -> ErasedScope:
    """Erase in one transaction. Only writers of these tenants wait for it; a busy row is tried again.

    Raises RecordsError or MoveError, after which nothing has changed, and what the driver raises.
    """
    await require_revision(connection)
    await check_tables(connection)
    await lock_moves(connection)
    if await connection.fetchval(IS_MOVING, move_name(scope.organization_id)):
        raise RecordsError("the organisation is moving to another server: complete the move first, or cancel it")
    tables = [table for table in await find_record_tables(connection) if table.is_in(scope) and table.name != EVENTS]
    ordered = await in_order_of_deletion(connection, tables)

    async def work() -> ErasedScope:
        return await _erase(connection, scope, ordered)

    return await run_with_short_locks(connection, work, transaction_timeout_ms=0)


async def _erase(connection: asyncpg.Connection, scope: Scope, tables: Sequence[RecordTable]) -> ErasedScope:
    erased = await _lock(connection, scope)
    erased.rows[REQUESTS] = await _delete(connection, ANSWERS, erased.tenant_ids)
    erased.rows[MOVED_TOKENS] = await _delete(connection, MOVED, erased.token_hashes)
    for table in tables:
        erased.rows[table.name] = await _delete(connection, f"DELETE FROM {table.name} WHERE {scope.condition}")
    await erase_trail(connection, erased)
    return erased


async def _lock(connection: asyncpg.Connection, scope: Scope) -> ErasedScope:
    """Lock the tenants: nothing that refers to them can be added from here on."""
    tenants = await connection.fetch(
        f"SELECT tenant_id, name FROM {TENANTS} WHERE {scope.condition} ORDER BY tenant_id FOR UPDATE"
    )
    events = await connection.fetch(f"SELECT DISTINCT tenant_id FROM {EVENTS} WHERE {scope.condition}")
    earlier = await connection.fetch(f"""
        SELECT DISTINCT changed.name
        FROM {EVENTS}
        CROSS JOIN LATERAL (VALUES (old_values ->> 'name'), (new_values ->> 'name')) AS changed (name)
        WHERE {scope.condition} AND table_name = 'tenants' AND changed.name IS NOT NULL
    """)
    tokens = await connection.fetch(f"SELECT token_hash FROM {TOKENS} WHERE {scope.condition}")
    return ErasedScope(
        scope,
        await connection.fetchval("SELECT clock_timestamp()"),
        sorted({scope.tenant_id, *(row["tenant_id"] for row in (*tenants, *events))}),
        sorted({row["name"] for row in (*tenants, *earlier)}, key=lambda name: (name != scope.name, name)),
        [row["token_hash"] for row in tokens],
    )


async def _delete(connection: asyncpg.Connection, statement: str, *arguments: object) -> int:
    status = await connection.execute(statement, *arguments)
    return int(status.rpartition(" ")[2])
