"""`mtdb check`, `migrate` and `serve` on several servers: a line says which one it is about."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import URL

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development.ports import free_port
from multi_tenant_db.lint import catalogue_lint, servers_check
from tests.support.fresh_database import drop_database, fresh_database
from tests.support.mtdb import mtdb, mtdb_process, settings_for
from tests.support.served_process import served
from tests.support.test_database import TestDatabase

NOWHERE = "postgresql://127.0.0.1:1/tenancy"
UNKNOWN = "019a9f3e-7a10-7c52-b2aa-0d1f5c7e9b44"


@asynccontextmanager
async def unsafe(database: TestDatabase) -> AsyncIterator[None]:
    """Take away a part of the isolation, and give it back."""
    admin = await database.connect_as_admin()
    await admin.execute("ALTER TABLE tenancy.tenants NO FORCE ROW LEVEL SECURITY")
    yield
    await admin.execute("ALTER TABLE tenancy.tenants FORCE ROW LEVEL SECURITY")
    await admin.close()


def as_admin(url: URL) -> str:
    """Return the URL with the administrator."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


async def test_each_server_has_its_line(both: dict[str, str]) -> None:
    """All servers are checked, in the order of the settings; --server checks one, in the words for a single one."""
    everywhere = await mtdb("check", env=both)
    one = await mtdb("check", "--server", "b", env=both)

    assert (everywhere.exit_code, everywhere.stderr, one.exit_code, one.stderr) == (0, "", 0, "")
    begins = [line.partition("PostgreSQL")[0] for line in everywhere.stdout.splitlines() if "safe: " in line]
    assert begins == ["server default: safe: ", "server b: safe: "]
    assert "\nsafe: " in f"\n{one.stdout}"


async def test_a_danger_names_its_server(
    both: dict[str, str], other: TestDatabase, one_away: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One unsafe server is exit code 1, also while another is away; the safe one is said to be safe."""
    monkeypatch.setattr(servers_check, "PATIENCE_SECONDS", 60)  # however busy the machine
    async with unsafe(other):
        outcome = await mtdb("check", env=both)
        with_one_away = await mtdb("check", env=one_away)
        first = await mtdb("check", "--server", "default", env=both)
        started = await mtdb("serve", env=both | {"MTDB_PORT": str(free_port())})

    assert outcome.exit_code == with_one_away.exit_code == ExitCode.FAILED
    assert outcome.stderr.startswith("server b: danger: rls-not-forced: tenancy.tenants\n")
    assert "server default: safe: " in outcome.stdout
    assert "server b: safe: " not in outcome.stdout
    assert first.exit_code == 0
    assert started.exit_code == ExitCode.FAILED
    assert any(line.startswith("mtdb: server b: rls-not-forced: ") for line in started.stderr.splitlines())


async def test_a_server_that_is_away_is_named_after_the_others_were_checked(one_away: dict[str, str]) -> None:
    """It is exit code 3 and a line with the setting to look at."""
    outcome = await mtdb("check", env=one_away)

    assert outcome.exit_code == ExitCode.NO_DATABASE
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("mtdb: server c: the database cannot be reached (")
    assert "check MTDB_SERVERS__C" in line
    assert [f"server {label}: safe: " in outcome.stdout for label in ("default", "b", "c")] == [True, True, False]


async def test_a_script_reads_the_servers_by_label(both: dict[str, str], one_away: dict[str, str]) -> None:
    """With several servers the object has one for each, null for one that is away; with --server it is as for one."""
    everywhere, with_one_away, one = [
        await mtdb("check", "--json", *more, env=env)
        for more, env in (([], both), ([], one_away), (["--server", "b"], both))
    ]

    assert (everywhere.json["safe"], [*everywhere.json["servers"]]) == (True, ["default", "b"])
    assert everywhere.json["servers"]["b"] == one.json
    assert one.json["safe"] is True
    assert (with_one_away.exit_code, with_one_away.json["safe"]) == (ExitCode.NO_DATABASE, False)
    assert with_one_away.json["servers"] == everywhere.json["servers"] | {"c": None}


@pytest.mark.parametrize(
    "command", ["check", "migrate", "audit", "token list", "token purge", "token issue HSBC", f"token revoke {UNKNOWN}"]
)
async def test_an_unknown_label_is_wrong_usage(both: dict[str, str], command: str) -> None:
    """It says which labels there are, and which setting would name the missing one."""
    outcome = await mtdb(*command.split(), "--server", "x", env=both | {"COLUMNS": "200"})

    assert (outcome.exit_code, outcome.stdout) == (ExitCode.USAGE, "")
    assert "there is no server 'x': use default or b, or set MTDB_SERVERS__X" in outcome.stderr


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"MTDB_SERVERS__B": "nonsense"}, "MTDB_SERVERS__B: Input should be a valid URL"),
        ({"MTDB_SERVERS__B": "postgresql://h:1"}, "MTDB_SERVERS__B: the name of the database is missing"),
        ({"MTDB_SERVERS__B": "postgresql://h:1/d?sslmode=require"}, "MTDB_SERVERS__B: set PGSSLMODE=verify-full"),
        ({"MTDB_SERVERS__9X": NOWHERE}, "MTDB_SERVERS: '9x' is not a label: use a letter"),
        ({"MTDB_SERVERS__DEFAULT": NOWHERE}, "MTDB_SERVERS: default is reserved"),
    ],
)
async def test_a_wrong_setting_is_named(both: dict[str, str], changes: dict[str, str], message: str) -> None:
    """Each mistake in a further server's setting is one line with the variable's name."""
    outcome = await mtdb("check", env=both | changes)

    assert outcome.exit_code == ExitCode.USAGE
    assert message in outcome.complaint


async def test_a_servers_own_mistakes_name_its_variable(own: TestDatabase, other: TestDatabase) -> None:
    """A wrong password in its URL, and a schema that is missing, are about MTDB_SERVERS__B."""
    wrong = as_admin(other.admin_url.set(username="tenancy_operator", password="wrong"))
    refused = await mtdb("token", "list", env=settings_for(own, MTDB_SERVERS__B=wrong))
    async with fresh_database(own.admin_url, revision=None) as empty:
        without = settings_for(own, MTDB_SERVERS__B=settings_for(empty)["MTDB_DATABASE_URL"])
        missing = await mtdb("token", "list", env=without)

    assert refused.exit_code == ExitCode.NO_DATABASE
    assert refused.stderr.startswith("mtdb: server b: ")
    assert refused.stderr.endswith(": check user and password in MTDB_SERVERS__B\n")
    assert missing.exit_code == ExitCode.FAILED
    assert missing.stderr.startswith("mtdb: server b: the database refused (")
    assert "and MTDB_SERVERS__B without a user" in missing.stderr


async def test_all_servers_are_migrated_in_turn(server_url: URL) -> None:
    """The first run makes both databases; --server migrates one; lines name their server."""
    urls = [server_url.set(database=f"tenancy_unmade_{uuid4().hex[:8]}") for _ in range(2)]
    env = settings_for(TestDatabase(urls[0]), MTDB_DATABASE_URL=as_admin(urls[0]), MTDB_SERVERS__B=as_admin(urls[1]))
    try:
        first = await mtdb("migrate", "--server", "b", env=env)
        every = await mtdb("migrate", env=env)
        without_users = settings_for(
            TestDatabase(urls[0]), MTDB_SERVERS__B=settings_for(TestDatabase(urls[1]))["MTDB_DATABASE_URL"]
        )
        checked = await mtdb("check", env=without_users)
    finally:
        for url in urls:
            await drop_database(url)

    done = ["the roles are current", "the schema is current"]
    assert (first.exit_code, every.exit_code, checked.exit_code) == (0, 0, 0)
    assert first.stdout.splitlines() == [f"created the database {urls[1].database}", *done]
    assert every.stdout.splitlines() == [
        *(f"server default: {line}" for line in [f"created the database {urls[0].database}", *done]),
        *(f"server b: {line}" for line in done),
    ]


async def test_a_failing_migration_names_what_is_done(own: TestDatabase, other: TestDatabase) -> None:
    """The first failure ends the command; the last line says which servers were migrated and which were not."""
    administrators = {
        "MTDB_DATABASE_URL": as_admin(own.admin_url),
        "MTDB_SERVERS__B": as_admin(other.admin_url.set(port=1)),
        "MTDB_SERVERS__C": as_admin(other.admin_url),
    }
    outcome = await mtdb("migrate", env=settings_for(own, **administrators))
    without_one = settings_for(own, **(administrators | {"MTDB_SERVERS__C": NOWHERE}))
    refused = await mtdb("migrate", env=without_one)

    assert outcome.exit_code == ExitCode.NO_DATABASE
    assert outcome.stdout == "server default: the roles are current\nserver default: the schema is current\n"
    first, last = outcome.stderr.splitlines()
    assert first.startswith("mtdb: server b: the database cannot be reached (")
    assert first.endswith(": check MTDB_SERVERS__B")
    assert last == "mtdb: migrated: default; not migrated: b, c"
    assert refused.exit_code == ExitCode.USAGE
    assert refused.complaint.startswith("mtdb: MTDB_SERVERS__C must name an administrator here: ")


def test_the_service_starts_while_the_first_server_is_away(other: TestDatabase) -> None:
    """`mtdb serve` needs one of its servers; health names the one that is away."""
    b = settings_for(other)["MTDB_DATABASE_URL"]
    with served(other, database_url=NOWHERE, servers__b=b) as service:
        health = httpx.get(f"{service.url}/health").json()
    assert (health["status"], health["servers"]["default"]["database"]) == ("degraded", "unreachable")
    assert health["servers"]["b"]["database"] == "connected"


async def test_a_start_without_any_server_is_one_line(both: dict[str, str]) -> None:
    """When all servers are away, the service does not start, with the exit code for it."""
    nowhere = {"MTDB_DATABASE_URL": NOWHERE, "MTDB_SERVERS__B": NOWHERE, "MTDB_LOG_LEVEL": "error"}
    outcome = await mtdb("serve", env=both | nowhere)

    assert outcome.exit_code == ExitCode.NO_DATABASE
    assert "none of the servers responds" in outcome.stderr


async def test_the_checkouts_servers_do_not_mix_with_others(
    own: TestDatabase, other: TestDatabase, tmp_path: Path
) -> None:
    """Where the environment names the first server, the further ones of .local/development.env are not used."""
    (tmp_path / ".local").mkdir()
    file, environment = settings_for(other, MTDB_SERVERS__C=NOWHERE), settings_for(own)
    lines = "".join(f"{name}={value}\n" for name, value in file.items())
    (tmp_path / ".local" / "development.env").write_text(lines)
    of_file = await mtdb_process("check", env={}, cwd=tmp_path)
    mixed = await mtdb_process("check", env=environment, cwd=tmp_path)
    added = await mtdb_process("check", env={"MTDB_SERVERS__C": environment["MTDB_DATABASE_URL"]}, cwd=tmp_path)

    assert (of_file.exit_code, of_file.stderr.count("server c: ")) == (ExitCode.NO_DATABASE, 1)
    assert (mixed.exit_code, mixed.stderr) == (0, "")
    assert added.exit_code == 0
    assert "server c: safe: " in added.stdout


async def test_a_start_logs_what_each_server_is_warned_of(
    both: dict[str, str], monkeypatch: pytest.MonkeyPatch, other: TestDatabase
) -> None:
    """As with one server; the line names the server."""
    monkeypatch.setattr(catalogue_lint, "LAST_FIXES", (179999, 189999))
    monkeypatch.setattr(servers_check, "PATIENCE_SECONDS", 60)  # however busy the machine
    with socket.create_server(("127.0.0.1", 0)) as taken:  # the check comes first
        port = {"MTDB_PORT": str(taken.getsockname()[1])}
        several = await mtdb("serve", env=both | port)
        one = await mtdb("serve", env=settings_for(other, **port))

    assert several.exit_code == one.exit_code == ExitCode.FAILED
    warned = [json.loads(line) for line in several.stdout.splitlines()]
    assert [line["server"] for line in warned if "server-lacks-fixes" in line["event"]] == ["default", "b"]
    [only] = [json.loads(line) for line in one.stdout.splitlines()]
    assert "server-lacks-fixes" in only["event"]
    assert "server" not in only
