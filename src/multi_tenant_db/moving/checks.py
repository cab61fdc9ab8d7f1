"""What must be so before an organisation is moved."""

import asyncio
from uuid import UUID

import asyncpg

from multi_tenant_db.lint.expected import TENANTS, TOKENS
from multi_tenant_db.moving.catalogue import find_tables, find_tables_without_organization
from multi_tenant_db.moving.marker import Marker
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.move_name import PREFIX
from multi_tenant_db.moving.organization_move import OrganizationMove
from multi_tenant_db.schema.schema_revision import REQUIRED_SCHEMA_REVISION

REVISION = "SELECT version_num FROM public.alembic_version"

UNFINISHED = """
    SELECT trigger.tgrelid::regclass::text
    FROM pg_trigger AS trigger
    WHERE trigger.tgfoid = 'tenancy_private.look_up_organization'::regproc
    LIMIT 1
"""
"""A table that `mtdb table` works on: rows may lack their organisation, and would not move."""

SLOTS = 3
"""One for the changes, and one for each table that is copied at the same time."""

FREE_SLOTS = """
    SELECT least(
        current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots),
        current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_replication)
    )
"""
FREE_ORIGINS = """
    SELECT coalesce(
        current_setting('max_active_replication_origins', true), current_setting('max_replication_slots')
    )::int - (SELECT count(*) FROM pg_replication_origin)
"""


EXISTS = f"SELECT EXISTS (SELECT FROM {TENANTS} WHERE organization_id = $1 AND tenant_id = $1)"

OTHER_MOVE = "SELECT pubname FROM pg_publication WHERE starts_with(pubname, $1) AND pubname <> $2 LIMIT 1"
"""Moves share the replica identity of tables, so there is one at a time."""


async def check(move: OrganizationMove) -> None:
    """Find the tables to move. Raises MoveError, with a remedy, before anything is changed."""
    await _check_schemas(move)
    if await Marker.find(move.target, move.name) is not None:
        raise MoveError(
            f"an earlier move from {move.target_label} still has to clean up: run it again, "
            f"--to {move.source_label} --from {move.target_label}, to its end"
        )
    marker = await Marker.find(move.source, move.name)
    if marker is None:
        await _check_servers(move)
        await check_target_is_empty(move)
    elif marker.target != move.target_label:
        raise MoveError(
            f"a move to {marker.target} is under way: run it with --to {marker.target}, to the end or with --cancel"
        )


async def _check_schemas(move: OrganizationMove) -> None:
    servers = {move.source_label: move.source, move.target_label: move.target}
    for label, connection in servers.items():
        revision = await _revision(connection)
        if revision != REQUIRED_SCHEMA_REVISION:
            raise MoveError(
                f"the schema of {label} is at revision {revision}, this version moves {REQUIRED_SCHEMA_REVISION}: "
                "run `mtdb migrate` there"
            )
    for label, connection in servers.items():
        if unfinished := await connection.fetchval(UNFINISHED):
            raise MoveError(f"{unfinished} on {label} is not protected yet: run `mtdb table status {unfinished}` there")
    if tables := await find_tables_without_organization(move.source):
        raise MoveError(f"{', '.join(tables)}: rows of tenants cannot move without a column organization_id uuid")
    ours, theirs = await asyncio.gather(*(find_tables(connection) for connection in servers.values()))
    there = {table.name: table for table in theirs}
    for table in ours:
        if table.name not in there:
            raise MoveError(f"{table.name} is missing on {move.target_label}: run your migrations there")
        if table.definition != there[table.name].definition:
            raise MoveError(f"{table.name} has other columns on {move.target_label}: run your migrations there")
        if table.obstacle is not None:
            raise MoveError(f"{table.name} cannot be replicated: {table.obstacle}")
    move.tables = tuple(table for table in ours if table.name != TOKENS)


async def _revision(connection: asyncpg.Connection) -> str | None:
    if await connection.fetchval("SELECT to_regclass('public.alembic_version') IS NULL"):
        return None
    revision: str | None = await connection.fetchval(REVISION)
    return revision


async def _check_servers(move: OrganizationMove) -> None:
    if other := await move.source.fetchval(OTHER_MOVE, PREFIX, move.name):
        organization = UUID(other.removeprefix(PREFIX))
        raise MoveError(f"the move of {organization} was interrupted: complete it first, or undo it with --cancel")
    wal_level = await move.source.fetchval("SELECT current_setting('wal_level')")
    if wal_level != "logical":
        raise MoveError(f"wal_level of {move.source_label} is {wal_level}: set it to logical and restart the server")
    if await move.source.fetchval(FREE_SLOTS) < SLOTS:
        raise MoveError(
            f"{move.source_label} has fewer than {SLOTS} free replication slots or WAL senders: "
            "raise max_replication_slots and max_wal_senders"
        )
    if await move.target.fetchval(FREE_ORIGINS) < SLOTS:
        raise MoveError(f"{move.target_label} has no free replication origins: raise max_replication_slots")
    if await move.target.fetchval("SELECT current_setting('max_logical_replication_workers')::int") < SLOTS:
        raise MoveError(f"{move.target_label} has too few workers: raise max_logical_replication_workers to {SLOTS}")


async def check_target_is_empty(move: OrganizationMove) -> None:
    """Raise MoveError if the target has rows of the organisation that no attempt of this move has left."""
    for table in (*(table.name for table in move.tables), TOKENS):
        if await move.target.fetchval(
            f"SELECT EXISTS (SELECT FROM {table} WHERE organization_id = $1)", move.organization_id
        ):
            raise MoveError(
                f"{table} on {move.target_label} has rows of the organisation, of no move that {move.source_label} "
                "knows: find out which server is right, and delete the rows on the other"
            )


async def check_target_has_organization(move: OrganizationMove) -> None:
    """Raise MoveError if the target does not have the organisation: then nothing may be deleted on the source."""
    if not await move.target.fetchval(EXISTS, move.organization_id):
        raise MoveError(
            f"{move.target_label} has no organisation {move.organization_id}, though it was moved there: nothing was "
            f"deleted on {move.source_label}; find out why"
        )


async def check_organization_exists(move: OrganizationMove) -> None:
    """Raise MoveError if the source does not have the organisation."""
    if not await move.source.fetchval(EXISTS, move.organization_id):
        raise MoveError(f"{move.source_label} has no organisation {move.organization_id}")
