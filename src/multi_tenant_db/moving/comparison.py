"""Counts and checksums of an organisation's rows, on both servers at once."""

import asyncio

import asyncpg

from multi_tenant_db.moving.catalogue import find_missing_references
from multi_tenant_db.moving.copying import find_differences
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.organization_move import OrganizationMove

Contents = dict[str, tuple[int, str]]


async def contents(connection: asyncpg.Connection, move: OrganizationMove) -> Contents:
    """Return, for each table, the number of rows and the sum of their 64-bit hashes, whatever their order."""
    found = {}
    for table in move.tables:
        query = (
            f"SELECT count(*), coalesce(sum(hashtextextended({table.row}, 0)), 0)::text"
            f" FROM {table.name} WHERE organization_id = $1"
        )
        found[table.name] = tuple(await connection.fetchrow(query, move.organization_id))
    return found


async def count_rows(move: OrganizationMove) -> dict[str, int]:
    """Return the numbers of rows on the source."""
    return {
        table.name: await move.source.fetchval(
            f"SELECT count(*) FROM {table.name} WHERE organization_id = $1", move.organization_id
        )
        for table in move.tables
    }


async def compare(move: OrganizationMove) -> list[str]:
    """Return what differs between the servers, or lacks what it refers to; nothing if the target has it all."""
    ours, theirs = await asyncio.gather(contents(move.source, move), contents(move.target, move))
    differing = [
        f"{name} ({count} rows, there {theirs[name][0]})"
        for name, (count, checksum) in ours.items()
        if (count, checksum) != theirs[name]
    ]
    missing = await find_missing_references(move.target, move.tables, move.organization_id)
    return [*differing, *await find_differences(move), *missing]


async def require_equality(move: OrganizationMove) -> None:
    """Raise MoveError if the target does not have exactly what the source has. Nothing may write at that time."""
    if differences := await compare(move):
        raise MoveError(f"the copy on {move.target_label} is not complete: {', '.join(differences)}")
