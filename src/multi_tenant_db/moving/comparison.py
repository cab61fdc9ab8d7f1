"""Compares the organisation's rows on both servers: all of them before the pause, in the pause those that changed.

For a moment the writers are locked out, the target applies what is left, and both servers take a snapshot: the two must
show the same. Counts and checksums of all rows are compared there, while writes go on. In the pause each server looks
for the rows that its snapshot does not show. The pause does not wait for checksums of rows that did not change.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from multi_tenant_db.moving.administration import run_with_short_locks
from multi_tenant_db.moving.baseline import Baseline
from multi_tenant_db.moving.catalogue import find_missing_references
from multi_tenant_db.moving.freezing import lock_writers_out
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.organization_move import OrganizationMove
from multi_tenant_db.moving.replication import catch_up

Contents = dict[str, tuple[int, str]]

LONGEST_WAIT_SECONDS = 0.5
"""For the target to apply what is left, while the writers of all organisations wait."""
TRIES = 20

SNAPSHOT = "SELECT pg_current_snapshot()::text"

# A row's xmin has 32 bits: those above them are of the next transaction's id, or one less. `age` comes first: it is
# cheap, and true of few rows.
IS_NEW = """
    age({row}.xmin) <= (SELECT age(pg_snapshot_xmin($2::text::pg_snapshot)::xid))
    AND NOT pg_visible_in_snapshot(
        (
            SELECT (epoch.start + xid.number - CASE WHEN epoch.start + xid.number < epoch.next THEN 0 ELSE 2^32 END)
                ::bigint::text::xid8
            FROM (SELECT {row}.xmin::text::bigint AS number) AS xid
            CROSS JOIN (
                SELECT next, next >> 32 << 32 AS start
                FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) AS transaction
            ) AS epoch
        ),
        $2::text::pg_snapshot
    )
"""


async def count_rows(move: OrganizationMove) -> dict[str, int]:
    """Return the numbers of rows on the source."""
    return {
        table.name: await move.source.fetchval(
            f"SELECT count(*) FROM {table.name} WHERE organization_id = $1", move.organization_id
        )
        for table in move.tables
    }


async def compare_all(move: OrganizationMove) -> Baseline:
    """Compare all rows as of one moment. Writers of all organisations wait for it, for milliseconds.

    Raises MoveError if the target does not have what the source has.
    """
    async with _equal_snapshots(move) as baseline:
        ours, theirs = await asyncio.gather(_contents(move.reader, move), _contents(move.target, move))
        missing = await find_missing_references(move.target, move.tables, move.organization_id)
    _require_equality(move, ours, theirs, missing)
    return baseline


async def compare_changes(move: OrganizationMove, baseline: Baseline) -> None:
    """Compare the rows that have changed since, and the numbers of all, while the writes are refused.

    Raises MoveError as above.
    """
    ours, theirs = await asyncio.gather(
        _contents(move.source, move, baseline.ours), _contents(move.target, move, baseline.theirs)
    )
    changed = IS_NEW.format(row="own"), baseline.theirs
    missing = await find_missing_references(move.target, move.tables, move.organization_id, *changed)
    _require_equality(move, ours, theirs, missing)


@asynccontextmanager
async def _equal_snapshots(move: OrganizationMove) -> AsyncIterator[Baseline]:
    """Open transactions that see the same rows, in the source's second session and in the target's."""
    async with AsyncExitStack() as stack:

        async def take() -> Baseline | None:
            await lock_writers_out(move)
            try:
                async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                    await catch_up(move)
            except TimeoutError:
                return None
            snapshots = []
            for connection in (move.reader, move.target):
                transaction = connection.transaction(isolation="repeatable_read", readonly=True)
                await stack.enter_async_context(transaction)
                snapshots.append(await connection.fetchval(SNAPSHOT))
            return Baseline(*snapshots)

        for _ in range(TRIES):
            if (baseline := await run_with_short_locks(move.source, take)) is not None:
                break
            await catch_up(move)  # while the writers go on
        else:
            raise MoveError(f"{move.target_label} falls behind: try again at a quieter time")
        yield baseline


async def _contents(connection: asyncpg.Connection, move: OrganizationMove, since: str | None = None) -> Contents:
    """Return, for each table, the number of rows and the sum of 64-bit hashes: of all, or of those that are new."""
    found = {}
    for table in move.tables:
        condition = f"FILTER (WHERE {IS_NEW.format(row='own')})" if since else ""
        query = (
            f"SELECT count(*), coalesce(sum(hashtextextended({table.row}, 0)) {condition}, 0)::text"
            f" FROM {table.name} AS own WHERE organization_id = $1"
        )
        arguments = (move.organization_id, since) if since else (move.organization_id,)
        found[table.name] = tuple(await connection.fetchrow(query, *arguments))
    return found


def _require_equality(move: OrganizationMove, ours: Contents, theirs: Contents, missing: list[str]) -> None:
    differing = [
        f"{name} ({count} rows, there {theirs[name][0]})"
        for name, (count, checksum) in ours.items()
        if (count, checksum) != theirs[name]
    ]
    if found := [*differing, *missing]:
        raise MoveError(f"the copy on {move.target_label} is not the same: {', '.join(found)}")
