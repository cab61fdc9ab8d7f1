"""`--json`: what docs/reference/command-line.md promises to scripts is what the commands print, and nothing else is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.lint.rules import RULES
from tests.support.mtdb import mtdb, settings_for
from tests.support.organization import Organization
from tests.support.sources import ROOT
from tests.support.test_database import TestDatabase

GUIDE = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
NO_MOMENT = re.compile(r'"\w+_at": "(?!\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+\d\d:\d\d")')
"""One that is not ISO 8601."""
AS_ADMINISTRATOR = {"check", "audit purge", "tenant export", "tenant import", "tenant erase"}
"""For `check`, so that there is something to find."""
ARGUMENTS = {
    "token issue": "HSBC",
    "audit purge": "--before 2025-01-01 --yes",
    "tenant show": "HSBC",
    "tenant export": "HSBC --to {folder}",
    "tenant import": "{folder}",
    "tenant erase": "Barclays --yes",
}
COMMANDS = re.findall(r"^### `mtdb (.+)`$", GUIDE, re.MULTILINE)


def promised(command: str) -> list[str]:
    """Return the fields that the guide names for a command, in its order."""
    section = GUIDE.split(f"\n### `mtdb {command}`\n")[1].split("\n### ")[0]
    return re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE)


def fields_of(value: Any, prefix: str = "") -> set[str]:
    """Name the fields of an object, or of all objects of a list; fields of fields with both names."""
    if isinstance(value, list):
        return set().union(*(fields_of(item, prefix) for item in value if isinstance(item, dict)))
    names = set()
    for name, inner in value.items():
        names.add(f"{prefix}{name}")
        if isinstance(inner, list):
            names |= fields_of(inner, f"{prefix}{name}.")
    return names


@pytest.mark.parametrize("command", COMMANDS)
async def test_the_fields_are_those_of_the_guide(
    own: TestDatabase, other: TestDatabase, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Standard output is JSON with the promised fields and no others, and standard error is empty."""
    monkeypatch.setattr(EmbeddedPostgres, "pid", 4711)
    environment = settings_for(own)
    await mtdb("seed", env=environment)
    issued = ("token", "issue", "HSBC", "--label", "for a script")
    await mtdb(*issued, env=environment)
    await mtdb("quota", "set", "HSBC", "50", env=environment)
    name, exported = command.removesuffix(" --json"), str(tmp_path / "export")
    arguments = [*name.split(), *ARGUMENTS.get(name, "").format(folder=exported).split(), "--json"]
    if name in AS_ADMINISTRATOR:
        environment["MTDB_DATABASE_URL"] = own.admin_url.render_as_string(hide_password=False)
    if name == "tenant import":
        await mtdb("tenant", "export", "Barclays", "--to", exported, env=environment)
        environment["MTDB_DATABASE_URL"] = other.admin_url.render_as_string(hide_password=False)

    outcome = await mtdb(*arguments, env=environment)

    assert (outcome.exit_code, outcome.stderr) == (ExitCode.FAILED if command == "check --json" else 0, "")
    assert outcome.stdout.isascii()
    assert not NO_MOMENT.search(outcome.stdout)
    values = [json.loads(line) for line in outcome.stdout.splitlines()] if command == "audit --json" else outcome.json
    assert fields_of(values) == set(promised(command))


async def test_a_safe_database_has_no_danger(own: TestDatabase) -> None:
    """A script reads `safe`, and what is only a warning does not change it."""
    outcome = await mtdb("check", "--json", env=settings_for(own))

    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert outcome.json["safe"] is True
    assert outcome.json["server_version"].startswith(("17.", "18."))
    assert {finding["severity"] for finding in outcome.json["findings"]} <= {"warning"}


async def test_a_danger_is_told_where_scripts_look(own: TestDatabase) -> None:
    """A finding is on standard output, whole, with exit code 1; its remedy, run, mends it."""
    admin = await own.connect_as_admin()
    await admin.execute("ALTER TABLE tenancy.tenants NO FORCE ROW LEVEL SECURITY")
    outcome = await mtdb("check", "--json", env=settings_for(own))
    dangers = [finding for finding in outcome.json["findings"] if finding["severity"] == "danger"]
    for danger in dangers:
        await admin.execute(danger["remedy"])
    await admin.close()

    assert (outcome.exit_code, outcome.stderr, outcome.json["safe"]) == (ExitCode.FAILED, "", False)
    assert [(danger["code"], danger["place"]) for danger in dangers] == [("rls-not-forced", "tenancy.tenants")]
    assert (await mtdb("check", env=settings_for(own))).exit_code == 0


async def test_the_rules_are_listed_for_scripts() -> None:
    """Every rule is there, with no settings, and those that only warn say so."""
    listed = (await mtdb("check", "--rules", "--json", env={})).json

    assert [rule["code"] for rule in listed[1:]] == [rule.code for rule in RULES]
    warnings = {rule["code"] for rule in listed if rule["severity"] == "warning"}
    assert warnings == {rule.code for rule in RULES if rule.is_warning}


@pytest.mark.parametrize("command", ["check", "audit", "token list", "token issue HSBC", "seed"])
async def test_without_a_database_nothing_is_on_standard_output(database: TestDatabase, command: str) -> None:
    """A failure is the same with --json: one line on standard error and the same exit code."""
    nowhere = settings_for(database, MTDB_DATABASE_URL="postgresql://127.0.0.1:1/tenancy")
    outcome = await mtdb(*command.split(), "--json", env=nowhere)

    assert outcome.exit_code == ExitCode.NO_DATABASE
    assert "cannot be reached" in outcome.complaint


async def test_a_stopped_server_is_told_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """`mtdb postgres status --json` says false and exits with 3, as it does without."""
    monkeypatch.setattr(EmbeddedPostgres, "pid", None)
    outcome = await mtdb("postgres", "status", "--json", env={})

    assert (outcome.exit_code, outcome.stderr) == (ExitCode.NO_DATABASE, "")
    assert (outcome.json["running"], outcome.json["pid"]) == (False, None)


async def test_names_of_any_script_travel_as_ascii(database: TestDatabase, hsbc: Organization) -> None:
    """A label in Chinese is escaped, so that no terminal and no pipe mangles it, and is itself again once read."""
    issue = ("token", "issue", str(hsbc.parent.tenant_id), "--label", "滙豐", "--json")
    outcome = await mtdb(*issue, env=settings_for(database))

    assert outcome.stdout.isascii()
    assert outcome.json["label"] == "滙豐"
