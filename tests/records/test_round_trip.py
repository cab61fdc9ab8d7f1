"""What is exported and imported elsewhere is the same."""

from pathlib import Path

import asyncpg

from multi_tenant_db.records.importing import import_folder
from multi_tenant_db.records.reading import read_manifest
from tests.moving.traces import rows_of
from tests.records.documents import filled_organization
from tests.records.exported import data_of, exported, lines_of
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase


async def test_every_value_survives(
    here: TestDatabase,
    registry_here: Registry,
    admin: asyncpg.Connection,
    admin_there: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    """Rows of all tables and types are the same after an import, and an export of them has the same bytes."""
    hsbc = await filled_organization(here, registry_here)
    head = hsbc.parent.tenant_id
    await exported(admin, hsbc.parent, tmp_path / "one")
    await import_folder(admin_there, tmp_path / "one", await read_manifest(tmp_path / "one"))

    ours, theirs = await rows_of(admin, head), await rows_of(admin_there, head)
    for table in ("tenants", "accounts"):
        assert theirs[table] == ours[table]
    assert {*theirs["events"]} > {*ours["events"]}
    assert theirs.keys() == {"tenants", "accounts", "events"}
    columns = [
        row["attname"]
        for row in await admin.fetch(
            "SELECT quote_ident(attname) AS attname FROM pg_attribute"
            """ WHERE attrelid = 'tenancy."Odd documents"'::regclass AND attnum > 0 ORDER BY attname"""
        )
    ]
    query = f"""
        SELECT ROW({", ".join(columns)})::text FROM tenancy."Odd documents"
        WHERE organization_id = $1 ORDER BY tenant_id, document_id
    """
    assert await admin_there.fetch(query, head) == await admin.fetch(query, head)

    await admin_there.execute(
        "DELETE FROM tenancy.tenant_events WHERE organization_id = $1 AND new_values ? 'imported'", head
    )
    await exported(admin_there, hsbc.parent, tmp_path / "two")
    assert data_of(tmp_path / "two") == data_of(tmp_path / "one")
    assert len(lines_of(tmp_path / "one", "tenancy.Odd%20documents")) == 6
