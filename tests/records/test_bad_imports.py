"""An import changes nothing unless everything fits."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from multi_tenant_db.cli.exit_code import ExitCode
from tests.records.commands import administer
from tests.records.documents import filled_organization
from tests.records.exported import exported
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

TENANTS, EVENTS, ACCOUNTS = "tenancy.tenants.jsonl", "tenancy.tenant_events.jsonl", "tenancy.accounts.jsonl"
EVERYTHING = """
    SELECT (SELECT count(*) FROM tenancy.tenants),
           (SELECT count(*) FROM tenancy.tenant_events),
           (SELECT count(*) FROM tenancy.accounts),
           (SELECT count(*) FROM tenancy."Odd documents")
"""

type Change = Callable[[Path], object]


@pytest.fixture
async def folder(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, tmp_path: Path
) -> tuple[Path, Organization]:
    """Export an organisation with its subsidiaries."""
    hsbc = await filled_organization(here, registry_here)
    await exported(admin, hsbc.parent, tmp_path / "hsbc")
    return tmp_path / "hsbc", hsbc


def in_manifest(folder: Path, **changes: Any) -> None:
    """Change members of the manifest; None removes one."""
    path = folder / "manifest.json"
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in values.items() if value is not None}))


def rewrite(file: str, change: Callable[[str], str], *, rows: int = 0) -> Change:
    """Change a file's text, and have the manifest fit it, as a forger would."""

    def run(folder: Path) -> None:
        path = folder / file
        path.write_text(change(path.read_text()))
        manifest = json.loads((folder / "manifest.json").read_text())
        for entry in manifest["files"]:
            if entry["file"] == file:
                entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
                entry["rows"] += rows
        in_manifest(folder, files=manifest["files"])

    return run


def change_entry(position: int, **changes: Any) -> Change:
    """Change an entry of the manifest's files."""

    def run(folder: Path) -> None:
        files = json.loads((folder / "manifest.json").read_text())["files"]
        files[position] |= changes
        in_manifest(folder, files=files)

    return run


def swap_files(folder: Path) -> None:
    """Name for each of two tables the file of the other."""
    files = json.loads((folder / "manifest.json").read_text())["files"]
    for name in ("file", "rows", "sha256"):
        files[0][name], files[1][name] = files[1][name], files[0][name]
    in_manifest(folder, files=files)


def remove_all(folder: Path) -> None:
    """Remove all files, and their names."""
    for path in folder.glob("*.jsonl"):
        path.unlink()
    in_manifest(folder, files=[])


def link_to_copy(folder: Path) -> None:
    """Put a link in a file's place."""
    path = folder / ACCOUNTS
    path.rename(folder.parent / "copy")
    path.symlink_to(folder.parent / "copy")


def take_over(folder: Path, tenant_id: str) -> None:
    """Give a subsidiary another id, in all files."""
    rows = (folder / TENANTS).read_text().splitlines()
    former = next(row["tenant_id"] for row in map(json.loads, rows) if row["tenant_type"] == "subsidiary")
    for file in sorted(path.name for path in folder.glob("*.jsonl")):
        rewrite(file, lambda text: _first(tenant_id, text.replace(former, tenant_id)))(folder)


def _first(tenant_id: str, text: str) -> str:
    """Put a tenant's rows first, in the order of the key."""
    lines = text.removesuffix("\n").split("\n")
    return "\n".join(sorted(lines, key=lambda line: f'"tenant_id" : "{tenant_id}"' not in line)) + "\n"


DAMAGES: dict[str, tuple[Change, str]] = {
    "no folder": (lambda folder: folder.rename(folder.parent / "elsewhere"), "there is no folder"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "has no manifest.json"),
    "a huge manifest": (lambda folder: (folder / "manifest.json").write_bytes(b" " * (1 << 24 | 1)), "too large"),
    "no JSON": (lambda folder: (folder / "manifest.json").write_text("{"), "is not a manifest"),
    "no object": (lambda folder: (folder / "manifest.json").write_text("[]"), "is not a manifest"),
    "another format": (lambda folder: in_manifest(folder, format=2), "has the format 2"),
    "a missing member": (lambda folder: in_manifest(folder, tenant_id=None), "is not a manifest"),
    "a further member": (lambda folder: in_manifest(folder, more=1), "is not a manifest"),
    "a missing file": (lambda folder: (folder / ACCOUNTS).unlink(), f"lacks {ACCOUNTS}"),
    "an extra file": (lambda folder: (folder / "more.jsonl").touch(), "which its manifest does not name"),
    "a link": (link_to_copy, "is not a regular file"),
    "a changed byte": (
        lambda folder: (folder / TENANTS).write_bytes((folder / TENANTS).read_bytes().replace(b"HSBC", b"HSBD", 1)),
        "another SHA-256",
    ),
    "a truncated file": (lambda folder: (folder / EVENTS).write_bytes((folder / EVENTS).read_bytes()[:-9]), "cut off"),
    "another revision": (lambda folder: in_manifest(folder, schema_revision="x"), "export again after `mtdb migrate`"),
    "an unknown table": (change_entry(0, table="tenancy.loans"), "tenancy.loans is missing in this database"),
    "other columns": (change_entry(0, columns=["a text"]), "has other columns in this database"),
    "another table's file": (swap_files, "names the file of"),
    "a path": (change_entry(0, file="../hsbc/tenancy.tenants.jsonl"), "lacks ../hsbc/"),
    "no tenants": (
        remove_all,
        "does not name each table once",
    ),
    "a foreign organisation": (
        rewrite(ACCOUNTS, lambda text: text.replace('"organization_id" : "0', '"organization_id" : "1', 1)),
        "rows that do not belong to the organisation",
    ),
    "a row without one": (
        rewrite(ACCOUNTS, lambda text: text.replace('"organization_id"', '"organization"', 1)),
        "rows that do not belong to the organisation",
    ),
    "an unknown tenant": (
        rewrite(ACCOUNTS, lambda text: text.replace('"tenant_id" : "0', '"tenant_id" : "1', 1)),
        "rows refer to what is not in this database: tenancy.accounts (accounts_tenant_fkey)",
    ),
    "a wrong number of rows": (rewrite(ACCOUNTS, lambda text: text, rows=1), "3 lines, its manifest says 4"),
    "an end of data": (rewrite(ACCOUNTS, lambda text: f"\\.\n{text}"), "its manifest says 3"),
    "a line that is no JSON": (rewrite(ACCOUNTS, lambda text: text.replace("{", "[", 1)), "a line that no export"),
    "a value of another type": (
        rewrite(ACCOUNTS, lambda text: text.replace('"balance" : "5"', '"balance" : "x"', 1)),
        "a line that no export writes",
    ),
    "an operator's id": (
        lambda folder: take_over(folder, str(UUID(int=0))),
        "the id 00000000-0000-0000-0000-000000000000 is that of platform operators",
    ),
    "a violated rule": (
        rewrite(ACCOUNTS, lambda text: text.replace('"balance" : "5"', '"balance" : "-5"', 1)),
        "accounts_never_overdrawn",
    ),
    "another form of a value": (
        rewrite(ACCOUNTS, lambda text: text.replace('"balance" : "5"', '"balance" : 5', 1)),
        "would not be what was exported",
    ),
    "a further column": (
        rewrite(ACCOUNTS, lambda text: text.replace('{"account_id"', '{"more" : 1, "account_id"', 1)),
        "would not be what was exported",
    ),
    "a wrong generated value": (
        rewrite("tenancy.Odd%20documents.jsonl", lambda text: text.replace('"18014398509481986"', '"3"', 1)),
        "would not be what was exported",
    ),
    "a row twice": (
        rewrite(ACCOUNTS, lambda text: text + text.split("\n")[0] + "\n", rows=1),
        "duplicate key",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_or_forged_export_is_refused(
    there: TestDatabase, admin_there: asyncpg.Connection, folder: tuple[Path, Organization], damage: str
) -> None:
    """One line says what is wrong, and the database is as before."""
    change, said = DAMAGES[damage]
    before = await admin_there.fetchrow(EVERYTHING)
    change(folder[0])
    outcome = await administer(there, "tenant", "import", str(folder[0]))
    assert outcome.exit_code == ExitCode.FAILED, outcome.stdout
    assert said in outcome.complaint.replace("\\\\", "\\")
    assert await admin_there.fetchrow(EVERYTHING) == before


async def test_an_import_by_the_command(
    there: TestDatabase, admin_there: asyncpg.Connection, folder: tuple[Path, Organization]
) -> None:
    """It says what to do next, is recorded in the trail, and is refused a second time."""
    path, hsbc = folder
    outcome = await administer(there, "tenant", "import", str(path))
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.stdout == f"imported the organisation {hsbc.parent.name}: 28 rows\n"
    assert outcome.stderr == f"it has no tokens: mtdb token issue {hsbc.parent.tenant_id}\n"
    event = await admin_there.fetchrow(
        "SELECT * FROM tenancy.tenant_events WHERE organization_id = $1 ORDER BY event_id DESC LIMIT 1",
        hsbc.parent.tenant_id,
    )
    assert (event["event_type"], event["table_name"], event["token_id"]) == ("created", "tenant_events", None)
    assert json.loads(event["new_values"])["imported"]["rows"] == 28
    again = await administer(there, "tenant", "import", str(path))
    assert "tenancy.tenants has rows of the organisation" in again.complaint
    issued = await administer(there, "token", "issue", str(hsbc.parent.tenant_id), "--quiet")
    assert issued.exit_code == 0
    number = await admin_there.fetchval(
        """
        INSERT INTO tenancy."Odd documents" (organization_id, tenant_id) VALUES ($1, $1) RETURNING document_id
    """,
        hsbc.parent.tenant_id,
    )
    highest = 'SELECT max(document_id) FROM tenancy."Odd documents"'
    assert number == await admin_there.fetchval(highest)


async def test_a_subsidiary_comes_after_its_parent(  # noqa: PLR0913, PLR0917 - fixtures
    here: TestDatabase,
    there: TestDatabase,
    registry_here: Registry,
    admin: asyncpg.Connection,
    admin_there: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    """A subsidiary alone needs its parent there, holds no row of a sibling, and no id that is taken."""
    hsbc = await filled_organization(here, registry_here)
    child, sibling = hsbc.subsidiaries
    await exported(admin, child, tmp_path / "child")
    outcome = await administer(there, "tenant", "import", str(tmp_path / "child"))
    assert f"the parent {hsbc.parent.tenant_id} of the tenant is not in this database" in outcome.complaint

    parent = "INSERT INTO tenancy.tenants (tenant_id, tenant_type, name) VALUES ($1, 'parent', $2)"
    await admin_there.execute(parent, hsbc.parent.tenant_id, hsbc.parent.name)
    await exported(admin, child, tmp_path / "forged")
    to_sibling = str(child.tenant_id), str(sibling.tenant_id)
    rewrite(ACCOUNTS, lambda text: text.replace(*to_sibling))(tmp_path / "forged")
    outcome = await administer(there, "tenant", "import", str(tmp_path / "forged"))
    assert "rows that do not belong to the tenant" in outcome.complaint

    await admin_there.execute(parent, child.tenant_id, "Another bank with this id")
    outcome = await administer(there, "tenant", "import", str(tmp_path / "child"))
    assert f"the id {child.tenant_id} belongs to a tenant of this database" in outcome.complaint
    await admin_there.execute("DELETE FROM tenancy.tenants WHERE organization_id = $1", child.tenant_id)

    done = await administer(there, "tenant", "import", str(tmp_path / "child"), "--json")
    assert done.json == {
        "organization_id": str(hsbc.parent.tenant_id),
        "tenant_id": str(child.tenant_id),
        "name": child.name,
        "rows": 9,
    }


async def test_remembered_answers_of_a_deleted_tenant_are_not_taken_over(
    there: TestDatabase, admin_there: asyncpg.Connection, folder: tuple[Path, Organization]
) -> None:
    """A tenant with the id of one that was deleted does not get the answers that are remembered for that."""
    path, hsbc = folder
    owner = hsbc.subsidiaries[0].tenant_id
    remembered = "SELECT count(*) FROM tenancy_private.idempotency_keys WHERE tenant_id = $1"
    await admin_there.execute(
        "INSERT INTO tenancy_private.idempotency_keys (tenant_id, idempotency_key, request_hash, answer)"
        " VALUES ($1, 'key', sha256('body'), '{}')",
        owner,
    )
    assert (await administer(there, "tenant", "import", str(path))).exit_code == 0
    assert await admin_there.fetchval(remembered, owner) == 0
