"""An export: one moment, every table, files that only this user reads, and nothing where it failed."""

import asyncio
import json
import os
import re
import stat
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from rich.console import Console

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.identity.access_token import hash_access_token
from multi_tenant_db.records.export import export
from multi_tenant_db.records.records_error import RecordsError
from multi_tenant_db.records.scope import Scope
from tests.records.commands import administer, administrators_settings
from tests.records.documents import filled_organization
from tests.records.exported import data_of, exported, lines_of
from tests.support.context import presenting
from tests.support.mtdb import mtdb, settings_for
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase


async def test_a_folder_has_every_table_and_no_credential(
    here: TestDatabase, registry_here: Registry, tmp_path: Path
) -> None:
    """The manifest counts what the files hold; rows of others, tokens and idempotency keys are in none."""
    hsbc = await filled_organization(here, registry_here)
    barclays = await filled_organization(here, registry_here, "Barclays")
    folder = tmp_path / "new" / "hsbc"

    outcome = await administer(here, "tenant", "export", hsbc.parent.name, "--to", str(folder), "--json")

    manifest = outcome.json
    assert manifest == json.loads((folder / "manifest.json").read_text())
    assert {file["table"]: file["rows"] for file in manifest["files"]} == {
        "tenancy.tenants": 3,
        'tenancy."Odd documents"': 6,
        "tenancy.accounts": 3,
        "tenancy.settings_of_organizations": 1,
        "tenancy.tenant_events": 3 + 3 + 3 + 6,
    }
    assert {path.name for path in folder.iterdir()} == {"manifest.json", *(f["file"] for f in manifest["files"])}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    everything = b"".join(data_of(folder).values())
    for secret in (hash_access_token(hsbc.parent.token).hex(), hsbc.parent.token, "a key"):
        assert secret.encode() not in everything
    assert not re.search(str(barclays.parent.tenant_id).encode(), everything)
    tenant = lines_of(folder, "tenancy.tenants")[0]
    assert (tenant["name"], tenant["version"], tenant["metadata"]) == (hsbc.parent.name, 1, {})
    assert "parent_tenant_id" not in tenant


async def test_a_subsidiary_is_exported_alone(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    """Its files have its rows only, and none of tables that belong to the organisation as a whole."""
    hsbc = await filled_organization(here, registry_here)
    manifest = await exported(admin, hsbc.subsidiaries[0], tmp_path / "one")
    assert manifest.scope.is_organization is False
    assert {file.table: file.rows for file in manifest.files} == {
        "tenancy.tenants": 1,
        'tenancy."Odd documents"': 2,
        "tenancy.accounts": 1,
        "tenancy.tenant_events": 5,
    }
    assert str(hsbc.subsidiaries[1].tenant_id).encode() not in b"".join(data_of(tmp_path / "one").values())


async def test_two_exports_are_the_same(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    """Without a change in between, every file but the manifest has the same bytes."""
    hsbc = await filled_organization(here, registry_here)
    for name in ("one", "two"):
        await exported(admin, hsbc.parent, tmp_path / name)
    assert data_of(tmp_path / "one") == data_of(tmp_path / "two")


async def test_a_table_without_a_key_has_an_order(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    """Its rows are ordered by all columns, wherever they lie."""
    hsbc = await filled_organization(here, registry_here)
    await admin.execute("CREATE TABLE tenancy.keyless (organization_id uuid, tenant_id uuid, line text)")
    try:
        for line in ("b", None, "a", "B"):
            await admin.execute("INSERT INTO tenancy.keyless VALUES ($1, $1, $2)", hsbc.parent.tenant_id, line)
        await exported(admin, hsbc.parent, tmp_path / "one")
    finally:
        await admin.execute("DROP TABLE tenancy.keyless")
    lines = lines_of(tmp_path / "one", "tenancy.keyless")
    assert [row.get("line") for row in lines] == ["B", "a", "b", None]


async def test_an_export_is_of_one_moment(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    """While a writer adds an account and its event in one transaction, no export has one without the other."""
    hsbc = await filled_organization(here, registry_here)
    service = await here.connect_as_api()
    parent = hsbc.parent
    is_done = asyncio.Event()

    async def write() -> None:
        while not is_done.is_set():
            async with presenting(service, parent.token):
                await service.execute(
                    "INSERT INTO tenancy.accounts (organization_id, tenant_id, name) VALUES ($1, $1, 'New')",
                    parent.tenant_id,
                )

    writer = asyncio.create_task(write())
    accounts = []
    for number in range(5):
        await exported(admin, parent, tmp_path / str(number))
        accounts = lines_of(tmp_path / str(number), "tenancy.accounts")
        events = lines_of(tmp_path / str(number), "tenancy.tenant_events")
        created = [one for one in events if one["table_name"] == "accounts" and one["event_type"] == "created"]
        assert len(accounts) == len(created)
    is_done.set()
    await writer
    await service.close()
    assert len(accounts) > 3


async def test_what_cannot_be_exported_is_told(here: TestDatabase, registry_here: Registry, tmp_path: Path) -> None:
    """Each mistake has its exit code and one line; no folder is left."""
    hsbc = await registry_here.create_organization("HSBC")
    twins = [await registry_here.create_tenant("The same bank") for _ in range(2)]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    name, to = hsbc.parent.name, ("--to", str(tmp_path / "new"))
    away = {"MTDB_SERVERS__B": "postgresql://a:b@127.0.0.1:1/tenancy"}
    as_operator = settings_for(here)["MTDB_DATABASE_URL"].replace(
        "//", "//tenancy_operator:operator%20password%20of%20the%20tests@"
    )
    for arguments, changes, code, said in (
        ((name, "--to", str(tmp_path / "full")), {}, ExitCode.FAILED, "is not an empty folder"),
        ((name, "--to", str(tmp_path / "file")), {}, ExitCode.FAILED, "is not an empty folder"),
        ((name, "--to", str(tmp_path / "link")), {}, ExitCode.FAILED, "is not an empty folder"),
        ((name, "--to", str(tmp_path / "file" / "new")), {}, ExitCode.FAILED, "nothing was exported"),
        (("No such bank", *to), {}, ExitCode.FAILED, "there is no tenant"),
        (("\udcff", *to), {}, ExitCode.FAILED, "there is no tenant"),
        ((str(uuid4()), *to), {}, ExitCode.FAILED, "there is no tenant"),
        (("The same bank", *to), {}, ExitCode.FAILED, str(twins[0].tenant_id)),
        ((name, *to), away, ExitCode.NO_DATABASE, "the server b cannot be reached"),
        ((name, *to), {"MTDB_DATABASE_URL": as_operator}, ExitCode.FAILED, "no superuser"),
    ):
        outcome = await mtdb("tenant", "export", *arguments, env=administrators_settings(here) | changes)
        assert outcome.exit_code == code, outcome.stderr
        assert said in outcome.complaint
    outcome = await mtdb("tenant", "export", name, *to, env=settings_for(here))
    assert (outcome.exit_code, "must name an administrator" in outcome.complaint) == (ExitCode.USAGE, True)
    _, folders, files = next(os.walk(tmp_path))
    assert {*folders, *files} == {"full", "file", "link"}


async def test_a_failed_export_leaves_nothing(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    """Rows without an organisation, another schema revision, or a tenant that is gone end it, and leave no folder."""
    hsbc = await filled_organization(here, registry_here)
    (tmp_path / "empty").mkdir()
    for change, undo, said in (
        ("CREATE TABLE tenancy.extra (tenant_id uuid)", "DROP TABLE tenancy.extra", "tenancy.extra: rows of tenants"),
        (
            "UPDATE public.alembic_version SET version_num = 'x'",
            "UPDATE public.alembic_version SET version_num = 'move_organizations'",
            "run `mtdb migrate`",
        ),
    ):
        revision = await admin.fetchval("SELECT version_num FROM public.alembic_version")
        await admin.execute(change)
        with pytest.raises(RecordsError, match=said):
            await exported(admin, hsbc.parent, tmp_path / "empty")
        await admin.execute(undo)
        await admin.execute("UPDATE public.alembic_version SET version_num = $1", revision)
    with pytest.raises(RecordsError, match="has just been deleted"):
        await export(admin, Scope(uuid4(), uuid4(), "gone"), tmp_path / "empty")
    assert [(folder, folders, files) for folder, folders, files in os.walk(tmp_path)] == [
        (str(tmp_path), ["empty"], []),
        (str(tmp_path / "empty"), [], []),
    ]
    await exported(admin, hsbc.parent, tmp_path / "empty")
    assert (tmp_path / "empty" / "manifest.json").exists()


async def test_people_see_where_it_is(
    here: TestDatabase, registry_here: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line says what was exported where; a terminal shows the progress meanwhile."""
    hsbc = await filled_organization(here, registry_here)
    monkeypatch.setattr(Console, "is_terminal", True)
    outcome = await administer(here, "tenant", "export", hsbc.subsidiaries[0].name, "--to", str(tmp_path / "one"))
    assert outcome.stdout == f"the tenant {hsbc.subsidiaries[0].name} is in {tmp_path / 'one'}: 9 rows of 4 tables\n"
    assert "bytes" in outcome.stderr
