"""Exports for tests, and what they find in them."""

import json
from pathlib import Path
from typing import Any

import asyncpg

from multi_tenant_db.records.export import export
from multi_tenant_db.records.manifest import MANIFEST, Manifest
from multi_tenant_db.records.scopes import find_scopes
from tests.support.party import Party


async def exported(admin: asyncpg.Connection, party: Party, folder: Path) -> Manifest:
    """Export a tenant, with its subsidiaries if it has any."""
    [scope] = await find_scopes(admin, str(party.tenant_id))
    return await export(admin, scope, folder)


def lines_of(folder: Path, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table's file."""
    text = (folder / f"{table}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.rstrip("\n").split("\n") if line]


def data_of(folder: Path) -> dict[str, bytes]:
    """Return the contents of all files but the manifest."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != MANIFEST}
