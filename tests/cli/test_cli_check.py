"""`mtdb check`: what the service verifies before it starts, on demand, for people and for scripts."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from multi_tenant_db import __version__
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development.ports import free_port
from multi_tenant_db.lint import catalogue_lint, safety_check
from multi_tenant_db.lint.grants import GRANT_PAST_POLICIES
from multi_tenant_db.lint.rules import RULES
from tests.support.migrations import migrate, roll_back
from tests.support.mtdb import mtdb, mtdb_process, settings_for
from tests.support.test_database import TestDatabase


async def test_a_safe_database_is_said_to_be_safe(database: TestDatabase, as_admin: asyncpg.Connection) -> None:
    """Nothing dangerous: exit code 0, the server's version, and on standard error nothing."""
    outcome = await mtdb("check", env=settings_for(database))
    version = await as_admin.fetchval("SELECT current_setting('server_version')")

    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert f"safe: PostgreSQL {version}, row level security forced, schema current" in outcome.stdout


async def test_a_warning_does_not_fail(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without the last fix is warned of and passes; 17.5 is one, and here each release is made to be."""
    monkeypatch.setattr(catalogue_lint, "LAST_FIXES", (179999, 189999))
    outcome = await mtdb("check", env=settings_for(database))

    assert outcome.exit_code == 0
    assert "warning: server-lacks-fixes: PostgreSQL 1" in outcome.stdout
    assert "\nsafe: " in outcome.stdout


@pytest.mark.parametrize(("allowed", "stream"), [("false", "stderr"), ("true", "stdout")])
async def test_an_untested_major_is_refused_unless_allowed(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch, allowed: str, stream: str
) -> None:
    """A major version without attacks is a danger; with MTDB_ALLOW_UNTESTED_POSTGRES it is a warning."""
    monkeypatch.setattr(catalogue_lint, "TESTED_MAJORS", (16,))
    outcome = await mtdb("check", env=settings_for(database, MTDB_ALLOW_UNTESTED_POSTGRES=allowed))
    kind, code = ("warning", "server-untested-allowed") if allowed == "true" else ("danger", "server-untested")

    assert outcome.exit_code == (0 if allowed == "true" else ExitCode.FAILED)
    assert f"{kind}: {code}: PostgreSQL " in getattr(outcome, stream)


async def test_dangers_fail_and_are_listed(database: TestDatabase) -> None:
    """As a superuser, each danger is on standard error, exit code 1, and nothing is said to be safe."""
    admin = database.admin_url.render_as_string(hide_password=False)
    outcome = await mtdb("check", env=settings_for(database, MTDB_DATABASE_URL=admin))

    assert (outcome.exit_code, "safe:" in outcome.stdout) == (ExitCode.FAILED, False)
    assert outcome.stderr.startswith(f"danger: connected-as-superuser: {database.admin_url.username} is a superuser\n")
    assert outcome.stderr.count("danger: ") == outcome.stderr.count("  Remedy: connect as tenancy_api\n") == 5


async def test_a_name_in_the_database_reaches_no_terminal_unescaped(own: TestDatabase) -> None:
    """A table's name may hold terminal escapes: a finding shows them escaped, on its three lines."""
    admin = await own.connect_as_admin()
    await admin.execute('CREATE TABLE tenancy."a\x1b[31m\nb\u202e" (name text)')
    await admin.execute('GRANT SELECT ON tenancy."a\x1b[31m\nb\u202e" TO PUBLIC')
    outcome = await mtdb("check", env=settings_for(own))
    await admin.execute('DROP TABLE tenancy."a\x1b[31m\nb\u202e"')
    await admin.close()

    assert outcome.exit_code == ExitCode.FAILED
    assert r"a\x1b[31m\nb\u202e" in outcome.stderr
    assert all(line.startswith(("danger: ", "  ")) for line in outcome.stderr.splitlines())
    assert all(c.isprintable() or c == "\n" for c in outcome.stdout + outcome.stderr)


async def test_a_finding_teaches(own: TestDatabase) -> None:
    """A finding is its code and place, why it matters, and what to run, on three lines; mended, nothing is found."""
    admin = await own.connect_as_admin()
    await admin.execute("GRANT TRUNCATE ON tenancy.tenants TO tenancy_api")
    outcome = await mtdb("check", env=settings_for(own))
    await admin.execute("REVOKE TRUNCATE ON tenancy.tenants FROM tenancy_api")
    await admin.close()

    assert outcome.exit_code == ExitCode.FAILED
    assert outcome.stderr.splitlines() == [
        "danger: grant-past-policies: TRUNCATE on tenancy.tenants for tenancy_api",
        f"  {GRANT_PAST_POLICIES.meaning}",
        "  Remedy: REVOKE TRUNCATE ON tenancy.tenants FROM tenancy_api",
    ]
    assert (await mtdb("check", env=settings_for(own))).exit_code == 0


async def test_the_rules_are_listed_without_a_database() -> None:
    """`mtdb check --rules` prints each code with what it means, and needs no settings."""
    outcome = await mtdb("check", "--rules", env={})

    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert f"grant-past-policies: {GRANT_PAST_POLICIES.meaning}\n" in outcome.stdout
    assert outcome.stdout.count("\n") == len(RULES) + 1


async def test_serving_is_refused_for_the_same_findings(own: TestDatabase) -> None:
    """`mtdb serve` ends at once, with the finding on one line."""
    admin = await own.connect_as_admin()
    await admin.execute("ALTER TABLE tenancy.tenant_events NO FORCE ROW LEVEL SECURITY")
    outcome = await mtdb("serve", env=settings_for(own))
    await admin.execute("ALTER TABLE tenancy.tenant_events FORCE ROW LEVEL SECURITY")
    await admin.close()

    assert outcome.exit_code == ExitCode.FAILED
    assert outcome.complaint.startswith("mtdb: rls-not-forced: tenancy.tenant_events: ")


async def test_a_schema_behind_is_a_danger(own: TestDatabase) -> None:
    """On an old schema one finding names both revisions and the remedy; others say what newer migrations mended."""
    await asyncio.to_thread(roll_back, own.admin_url, "isolate_tenants")
    outcome = await mtdb("check", env=settings_for(own))
    await asyncio.to_thread(migrate, own.admin_url)

    assert outcome.exit_code == ExitCode.FAILED
    assert outcome.stderr.count("danger: schema-revision") == 1
    assert "isolate_tenants" in outcome.stderr
    assert "mtdb migrate" in outcome.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {"MTDB_DATABASE_URL": f"postgresql://127.0.0.1:{free_port()}/tenancy"},
        {"MTDB_API_PASSWORD": "wrong"},
        {"MTDB_API_PASSWORD": ""},
    ],
)
async def test_no_database_has_an_exit_code_of_its_own(database: TestDatabase, changes: dict[str, str]) -> None:
    """An unreachable database or a refused login is exit code 3, which a script may wait upon."""
    outcome = await mtdb("check", env=settings_for(database, **changes))

    assert outcome.exit_code == ExitCode.NO_DATABASE
    assert "cannot be reached" in outcome.complaint


async def test_a_defect_keeps_its_traceback(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no operator's mistake is not dressed up as one."""
    monkeypatch.setattr(safety_check, "SERVER_VERSION", text("SELECT 1 / 0"))
    with pytest.raises(Exception, match="division by zero"):
        await mtdb("check", env=settings_for(database))


async def test_the_installed_program_speaks_for_itself(tmp_path: Path) -> None:
    """`mtdb` without a command lists the commands; with --version it tells the version; an unknown command is usage."""
    bare, version, unknown = await asyncio.gather(
        mtdb_process(env={}, cwd=tmp_path),
        mtdb_process("--version", env={}, cwd=tmp_path),
        mtdb_process("explode", env={}, cwd=tmp_path),
    )

    assert all(command in bare.stdout for command in ("serve", "migrate", "seed", "check", "token", "postgres"))
    assert (version.exit_code, version.stdout) == (0, f"{__version__}\n")
    assert unknown.exit_code == ExitCode.USAGE
    assert "explode" in unknown.stderr
