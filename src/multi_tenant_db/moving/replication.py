"""The logical replication of one organisation: publication and slot on the source, subscription on the target."""

import asyncio

from multi_tenant_db.moving.administration import SECONDS_BETWEEN_QUICK_LOOKS, quoted, run_with_short_locks, wait_while
from multi_tenant_db.moving.marker import Marker
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.organization_move import OrganizationMove

SECONDS_BETWEEN_LOOKS = 0.2

SLOT_EXISTS = "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND database = current_database())"
SLOT_IS_USABLE = """
    SELECT EXISTS (
        SELECT FROM pg_replication_slots
        WHERE slot_name = $1 AND database = current_database() AND wal_status IN ('reserved', 'extended')
    )
"""
# The name of a subscription is unique in its database; other databases of the server may have one of the same name.
SUBSCRIPTION = """
    SELECT subscription.oid
    FROM pg_subscription AS subscription
    JOIN pg_database AS database ON database.oid = subscription.subdbid
    WHERE subscription.subname = $1 AND database.datname = current_database()
"""
TABLES = """
    SELECT relation.srrelid::regclass::text AS name, relation.srsubstate::text = 'r' AS is_ready
    FROM pg_subscription_rel AS relation
    JOIN pg_subscription AS subscription ON subscription.oid = relation.srsubid
    JOIN pg_database AS database ON database.oid = subscription.subdbid
    WHERE subscription.subname = $1 AND database.datname = current_database()
"""
COPYING = (
    "SELECT coalesce(sum(tuples_processed), 0)::bigint FROM pg_stat_progress_copy WHERE datname = current_database()"
)
FAILURES = "SELECT apply_error_count + sync_error_count FROM pg_stat_subscription_stats WHERE subname = $1"

# Flushes what others have committed asynchronously: only then is it sent.
POSITION = "SELECT pg_logical_emit_message(false, 'mtdb_move', '', true)::text"
HAS_APPLIED = """
    SELECT EXISTS (
        SELECT FROM pg_stat_replication
        WHERE application_name = $1 AND flush_lsn >= $2::text::pg_lsn
    )
"""
HAS_WORKERS = "SELECT EXISTS (SELECT FROM pg_stat_subscription WHERE subname = $1 AND pid IS NOT NULL)"
END_WORKERS = """
    SELECT count(pg_terminate_backend(worker.pid)) FROM pg_stat_subscription AS worker
    WHERE worker.subname = $1 AND worker.pid IS NOT NULL
"""
END_SENDERS = """
    SELECT count(pg_terminate_backend(slot.active_pid)) FROM pg_replication_slots AS slot
    WHERE slot.slot_name = $1 AND slot.active_pid IS NOT NULL
"""
SLOTS = "SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE $1"


async def publish(move: OrganizationMove) -> None:
    """Publish the organisation's rows of all tables.

    Where the replica identity does not say the organisation, it becomes the whole row, in the same transaction: an
    UPDATE of a published table without one would fail.
    """
    changed = tuple(table.name for table in move.tables if not table.has_identity)
    condition = f"WHERE (organization_id = '{move.organization_id}')"
    published = ", ".join(f"{table.name} {condition}" for table in move.tables)

    async def create() -> None:
        for table in changed:
            await move.source.execute(f"ALTER TABLE {table} REPLICA IDENTITY FULL")
        await move.source.execute(f"CREATE PUBLICATION {move.name} FOR TABLE {published}")
        await Marker(move.target_label, changed).write(move)

    await run_with_short_locks(move.source, create)


async def unpublish(move: OrganizationMove, marker: Marker) -> None:
    """Drop the publication and its marker, and restore replica identities."""

    async def drop() -> None:
        await move.source.execute(f"DROP PUBLICATION {move.name}")
        for table in marker.tables_with_full_identity:
            await move.source.execute(f"ALTER TABLE {table} REPLICA IDENTITY DEFAULT")

    await run_with_short_locks(move.source, drop)


async def is_subscribed(move: OrganizationMove) -> bool:
    """Return whether an earlier attempt's replication is there, whole and usable."""
    return bool(
        await move.source.fetchval(SLOT_IS_USABLE, move.name) and await move.target.fetchval(SUBSCRIPTION, move.name)
    )


async def subscribe(move: OrganizationMove) -> None:
    """Begin to copy, and to apply changes. The worker is the administrator: the policies bind the tables' owner."""
    await move.source.execute("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", move.name)
    source = await quoted(move.target, move.connection_string)
    await move.target.execute(
        f"CREATE SUBSCRIPTION {move.name} CONNECTION {source} PUBLICATION {move.name}"
        " WITH (create_slot = false, run_as_owner = true, synchronous_commit = 'on')"
    )


async def resume(move: OrganizationMove) -> None:
    """Go on with an earlier attempt's replication, from this address and with this password."""
    source = await quoted(move.target, move.connection_string)
    await move.target.execute(f"ALTER SUBSCRIPTION {move.name} CONNECTION {source}")
    await move.target.execute(f"ALTER SUBSCRIPTION {move.name} ENABLE")


async def unsubscribe(move: OrganizationMove) -> None:
    """Drop the subscription and its slots, as far as they are there; also slots of tables still being copied.

    The slots first: their names follow from the subscription's. The target would drop them, but cannot do so if the
    source's password has changed since.
    """
    slots = [move.name]
    subscription = await move.target.fetchval(SUBSCRIPTION, move.name)
    if subscription is not None:
        await move.target.execute(f"ALTER SUBSCRIPTION {move.name} DISABLE")
        await wait_while(move.target, END_WORKERS, move.name)
        server = await move.target.fetchval("SELECT system_identifier FROM pg_control_system()")
        slots += [row["slot_name"] for row in await move.source.fetch(SLOTS, f"pg_{subscription}_sync_%_{server}")]
    for slot in slots:
        await wait_while(move.source, END_SENDERS, slot)
        if await move.source.fetchval(SLOT_EXISTS, slot):
            await move.source.execute("SELECT pg_drop_replication_slot($1)", slot)
    if subscription is not None:
        await move.target.execute(f"ALTER SUBSCRIPTION {move.name} SET (slot_name = NONE)")
        await move.target.execute(f"DROP SUBSCRIPTION {move.name}")


async def disable(move: OrganizationMove) -> None:
    """Apply nothing any more; returns when the worker has ended."""
    await move.target.execute(f"ALTER SUBSCRIPTION {move.name} DISABLE")
    await wait_while(move.target, HAS_WORKERS, move.name)


async def await_copy(move: OrganizationMove, rows: dict[str, int]) -> None:
    """Wait until every table is copied; tell the progress. Raises MoveError if the target cannot store a row."""
    total, failures = sum(rows.values()), await move.target.fetchval(FAILURES, move.name)
    while True:
        tables = await move.target.fetch(TABLES, move.name)
        ready = [table["name"] for table in tables if table["is_ready"]]
        under_way = await move.target.fetchval(COPYING)
        move.copied(min(total, sum(rows.get(name, 0) for name in ready) + under_way), total)
        if len(ready) == len(tables):
            return
        if await move.target.fetchval(FAILURES, move.name) != failures:
            raise MoveError(f"{move.target_label} cannot take a row, or not reach the source: its server log says why")
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


async def catch_up(move: OrganizationMove) -> None:
    """Wait until the target has applied, and stored durably, everything that the source has committed until now."""
    position = await move.reader.fetchval(POSITION)
    failures = await move.target.fetchval(FAILURES, move.name)
    while not await move.reader.fetchval(HAS_APPLIED, move.name, position):
        if await move.target.fetchval(FAILURES, move.name) != failures:
            raise MoveError(f"{move.target_label} cannot apply a change: its server log says why")
        await asyncio.sleep(SECONDS_BETWEEN_QUICK_LOOKS)
