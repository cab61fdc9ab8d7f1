"""Finds the server that an organisation lives on."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from multi_tenant_db.lint.expected import TENANTS
from multi_tenant_db.moving.home import Home
from multi_tenant_db.moving.marker import Marker
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.move_name import move_name

BY_NAME = f"SELECT tenant_id, name FROM {TENANTS} WHERE tenant_id = organization_id AND name = $1"
BY_ID = f"SELECT tenant_id, name FROM {TENANTS} WHERE tenant_id = organization_id AND tenant_id = $1::uuid"
IS_MIGRATED = "SELECT to_regclass($1) IS NOT NULL"


async def find_homes(connection: asyncpg.Connection, server: str, name_or_id: str) -> list[Home]:
    """Return the organisations of the name or id on a server."""
    if not await connection.fetchval(IS_MIGRATED, TENANTS):
        return []
    try:
        rows = await connection.fetch(BY_ID, UUID(name_or_id))
    except ValueError:
        rows = await connection.fetch(BY_NAME, name_or_id)
    homes = []
    for row in rows:
        marker = await Marker.find(connection, move_name(row["tenant_id"]))
        homes.append(Home(server, row["tenant_id"], row["name"], None if marker is None else marker.target))
    return homes


async def find_given_up(connection: asyncpg.Connection, server: str, homes: Sequence[Home]) -> list[Home]:
    """Return those organisations of other servers that came from this one, where a move still has to clean up."""
    found = []
    for home in homes:
        marker = await Marker.find(connection, move_name(home.organization_id))
        if home.server != server and marker is not None:
            found.append(Home(server, home.organization_id, home.name, marker.target))
    return found


def choose_home(homes: Sequence[Home], name_or_id: str, searched: Sequence[str]) -> Home:
    """Return the one server to move from: if a move is under way, that with its marker. Raises MoveError."""
    organizations = {home.organization_id for home in homes}
    if not organizations:
        places = f"none of the servers {', '.join(searched)} has" if len(searched) > 1 else f"{searched[0]} has no"
        any_one = " an" if len(searched) > 1 else ""
        raise MoveError(f"{places}{any_one} organisation {name_or_id!r}: name a parent, or use its id")
    if len(organizations) > 1:
        ids = ", ".join(sorted(map(str, organizations)))
        raise MoveError(f"several organisations are named {name_or_id!r}, use an id: {ids}")
    moving = [home for home in homes if home.moves_to is not None]
    candidates = moving or list(homes)
    if len(candidates) > 1:
        servers = ", ".join(home.server for home in candidates)
        raise MoveError(
            f"{servers} have the organisation, without a move: find out which is right, and name it by --from"
        )
    return candidates[0]
