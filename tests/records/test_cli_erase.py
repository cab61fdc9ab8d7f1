"""`mtdb tenant erase`, as an operator runs it, and what its certificate says."""

import json
import os
import stat
import sys
from pathlib import Path

import asyncpg
import pytest
import typer

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.records import certification
from tests.moving.traces import rows_of
from tests.records.commands import administer
from tests.records.documents import filled_organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

ERASE = ("tenant", "erase")


async def test_a_subsidiary_is_erased_with_a_certificate(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    """The certificate has ids and numbers but no name; the parent and the sibling keep what they had."""
    hsbc = await filled_organization(here, registry_here)
    child, sibling = hsbc.subsidiaries
    head = hsbc.parent.tenant_id
    others = "SELECT row::text FROM {} AS row WHERE organization_id = $1 AND tenant_id <> $2 ORDER BY 1"
    tables = ("tenancy.tenants", "tenancy.accounts", "tenancy.tenant_events", 'tenancy."Odd documents"')
    before = [await admin.fetch(others.format(table), head, child.tenant_id) for table in tables]
    path = tmp_path / "certificate.json"

    outcome = await administer(here, *ERASE, child.name, "--yes", "--certificate", str(path), "--json")

    assert (outcome.exit_code, outcome.stderr) == (0, "")
    certificate = json.loads(path.read_text())
    assert certificate == outcome.json
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert hsbc.parent.name not in path.read_text()
    assert (certificate["complete"], certificate["tenants"]) == (True, 1)
    assert (certificate["organization_id"], certificate["tenant_id"]) == (str(head), str(child.tenant_id))
    assert certificate["deleted_rows"]["tenancy_private.idempotency_keys"] == 2
    assert certificate["deleted_rows"]["tenancy_private.access_tokens"] == 1
    assert certificate["verification"]["columns"]["tenancy.tenants"] == [
        *("tenant_id", "organization_id", "tenant_type", "parent_tenant_id", "name", "metadata"),
    ]
    assert "public.alembic_version" in certificate["verification"]["columns"]
    assert certificate["verification"]["events_kept"] == 6
    assert [await admin.fetch(others.format(table), head, child.tenant_id) for table in tables] == before
    listed = await administer(here, "tenant", "list", "--organization", hsbc.parent.name, "--json")
    assert [item["tenant_id"] for item in listed.json["items"]] == [str(head), str(sibling.tenant_id)]


async def test_a_second_run_finds_nothing_more(here: TestDatabase, registry_here: Registry) -> None:
    """By its id the erased tenant is verified again; no event is added."""
    hsbc = await filled_organization(here, registry_here)
    child = hsbc.subsidiaries[0]
    first = await administer(here, *ERASE, child.name, "--yes")
    assert first.exit_code == 0
    assert "tenancy.accounts: 1 deleted\n" in first.stdout
    assert "events whose content was replaced: 5\n" in first.stdout
    assert f"tenants: 1; the trail is in `mtdb audit {child.tenant_id}`\n" in first.stdout
    again = (await administer(here, *ERASE, str(child.tenant_id), "--yes", "--json")).json
    assert again["complete"] is True
    assert (again["events_replaced"], {*again["deleted_rows"].values()}) == (0, {0})
    assert again["verification"]["events_kept"] == 6
    gone = await administer(here, *ERASE, child.name, "--yes")
    assert "the id finds one that was deleted" in gone.complaint


async def test_the_trail_of_a_deleted_tenant_is_erased(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection
) -> None:
    """A tenant that was deleted through the service still has its values in the trail, until its id is erased."""
    hsbc = await filled_organization(here, registry_here)
    child = hsbc.subsidiaries[0]
    await admin.execute("DELETE FROM tenancy.tenants WHERE tenant_id = $1", child.tenant_id)
    trail = "SELECT count(*) FROM tenancy.tenant_events AS event WHERE tenant_id = $1 AND event::text LIKE $2"
    assert await admin.fetchval(trail, child.tenant_id, f"%{child.name}%") == 2
    outcome = await administer(here, *ERASE, str(child.tenant_id), "--yes")
    assert outcome.exit_code == 0
    assert await admin.fetchval(trail, child.tenant_id, f"%{child.name}%") == 0


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [("{name}", 0, ""), ("{id}", ExitCode.USAGE, "the name is not the same"), ("", ExitCode.USAGE, "--yes")],
    ids=["right", "wrong", "no terminal"],
)
async def test_it_asks_for_the_name(  # noqa: PLR0913, PLR0917 - fixtures and cases
    here: TestDatabase,
    registry_here: Registry,
    admin: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
    said: str,
) -> None:
    """A terminal has to type the name; without a terminal, and without --yes, nothing is erased."""
    hsbc = await filled_organization(here, registry_here)
    before = await rows_of(admin, hsbc.parent.tenant_id)
    typed = answer.format(name=hsbc.parent.name, id=hsbc.parent.tenant_id)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: bool(answer), raising=False)
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: typed)
    outcome = await administer(here, *ERASE, hsbc.parent.name)
    assert outcome.exit_code == code, outcome.stderr
    assert "with all its subsidiaries" in outcome.stderr.splitlines()[0]
    assert said in outcome.stderr
    assert (await rows_of(admin, hsbc.parent.tenant_id) == before) is bool(code)


async def test_the_certificates_file_is_looked_at_first(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    """A file that exists, or a folder that does not, is refused before anything is erased."""
    hsbc = await filled_organization(here, registry_here)
    before = await rows_of(admin, hsbc.parent.tenant_id)
    (tmp_path / "there").touch()
    for path in (tmp_path / "there", tmp_path / "no" / "file"):
        outcome = await administer(here, *ERASE, hsbc.parent.name, "--yes", "--certificate", str(path))
        assert (outcome.exit_code, "name another file" in outcome.complaint) == (ExitCode.USAGE, True)
    assert await rows_of(admin, hsbc.parent.tenant_id) == before


async def test_a_certificate_that_cannot_be_written_is_printed(
    here: TestDatabase, registry_here: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills meanwhile: the erasure has happened, so the certificate goes to stderr."""
    hsbc = await filled_organization(here, registry_here)

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    outcome = await administer(here, *ERASE, hsbc.parent.name, "--yes", "--certificate", str(tmp_path / "new"))
    assert outcome.exit_code == ExitCode.FAILED
    text, _, line = outcome.stderr.strip().rpartition("\n")
    assert json.loads(text)["complete"] is True
    assert "cannot be written" in line


async def test_a_failed_verification_is_no_success(
    here: TestDatabase, registry_here: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If reading again fails, the certificate is not complete, and the command has failed."""
    hsbc = await filled_organization(here, registry_here)

    async def fail(*_arguments: object) -> None:
        raise asyncpg.PostgresError("terminated")

    monkeypatch.setattr(certification, "verify", fail)
    path = tmp_path / "certificate.json"
    outcome = await administer(here, *ERASE, hsbc.parent.name, "--yes", "--certificate", str(path))
    assert outcome.exit_code == ExitCode.FAILED
    assert "erased, but not verified (terminated): run the command again with the id" in outcome.stderr
    certificate = json.loads(path.read_text())
    assert (certificate["complete"], certificate["verification"]) == (False, None)
