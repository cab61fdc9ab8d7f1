"""`mtdb migrate`: from an empty server to a current schema, for administrators, from any folder."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development.ports import free_port
from multi_tenant_db.schema.schema_revision import REQUIRED_SCHEMA_REVISION
from tests.support.fresh_database import drop_database
from tests.support.mtdb import PROGRAM, Outcome, mtdb, mtdb_process, settings_for
from tests.support.test_database import API_PASSWORD, TestDatabase


@pytest.fixture
async def unmade(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Name a database that does not exist yet."""
    url = server_url.set(database=f"tenancy_unmade_{uuid4().hex[:8]}")
    yield TestDatabase(url)
    await drop_database(url)


def as_admin_of(database: TestDatabase, **changes: str) -> dict[str, str]:
    """Return the settings of an administrator."""
    url = database.admin_url.set(drivername="postgresql").render_as_string(hide_password=False)
    return settings_for(database, **({"MTDB_DATABASE_URL": url} | changes))


async def migrate(database: TestDatabase, **changes: str) -> Outcome:
    """Run `mtdb migrate` as the administrator."""
    return await mtdb("migrate", env=as_admin_of(database, **changes))


async def test_one_command_makes_everything_and_twice_is_harmless(unmade: TestDatabase) -> None:
    """The first run makes database, roles and schema, which the service then trusts; the second finds them."""
    first = await migrate(unmade)
    second = await migrate(unmade)
    checked = await mtdb("check", env=settings_for(unmade))

    done = "the roles are current\nthe schema is current\n"
    assert (first.exit_code, first.stdout) == (0, f"created the database {unmade.admin_url.database}\n{done}")
    assert (second.exit_code, second.stdout) == (0, done)
    assert checked.exit_code == 0


@pytest.mark.parametrize("missing", ["MTDB_API_PASSWORD", "MTDB_OPERATOR_PASSWORD"])
async def test_both_passwords_are_needed(unmade: TestDatabase, missing: str) -> None:
    """Without the password of a login role nothing is made, and the line says which settings to set."""
    outcome = await migrate(unmade, **{missing: ""})

    assert outcome.exit_code == ExitCode.USAGE
    assert missing in outcome.complaint


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("postgresql://{host}:{port}/{database}", "MTDB_DATABASE_URL must name an administrator"),
        ("postgresql://{user}:x@{host}:{port}", "MTDB_DATABASE_URL: the name of the database is missing"),
    ],
)
async def test_the_address_names_user_and_database(unmade: TestDatabase, url: str, complaint: str) -> None:
    """An address without a user or without a database is refused before anything is made."""
    at = unmade.admin_url
    given = url.format(user=at.username, host=at.host, port=at.port, database=at.database)
    outcome = await migrate(unmade, MTDB_DATABASE_URL=given)

    assert outcome.exit_code == ExitCode.USAGE
    assert complaint in outcome.complaint


@pytest.mark.exhaustive
async def test_any_folder_will_do(unmade: TestDatabase, tmp_path: Path) -> None:
    """The installed program finds its migrations, wherever it is called."""
    outcome = await mtdb_process("migrate", env=as_admin_of(unmade), cwd=tmp_path)

    assert outcome.exit_code == 0, outcome.stderr


@pytest.mark.exhaustive
async def test_three_at_once_make_one(unmade: TestDatabase, tmp_path: Path) -> None:
    """Instances that all migrate at their start wait for each other: every one succeeds."""
    outcomes = await asyncio.gather(*(mtdb_process("migrate", env=as_admin_of(unmade), cwd=tmp_path) for _ in range(3)))

    assert [outcome.exit_code for outcome in outcomes] == [0, 0, 0], [outcome.stderr for outcome in outcomes]
    assert sum("created the database" in outcome.stdout for outcome in outcomes) == 1
    assert (await mtdb("check", env=settings_for(unmade))).exit_code == 0


@pytest.mark.exhaustive
async def test_going_back_asks_first(own: TestDatabase, tmp_path: Path) -> None:
    """Without --yes it names what is undone and changes nothing; with it, it goes there, and forward again."""
    refused = await mtdb_process("migrate", "--to", "keep_plans", env=as_admin_of(own), cwd=tmp_path)
    assert refused.exit_code == ExitCode.USAGE
    assert "keep_no_statistics and deletes" in refused.stderr
    assert "use --yes" in refused.stderr
    assert (await mtdb("check", env=settings_for(own))).exit_code == 0

    back = await mtdb("migrate", "--to", "keep_plans", "--yes", env=as_admin_of(own))
    assert (back.exit_code, back.stdout) == (0, "the roles are current\nthe schema is at revision keep_plans\n")
    assert "schema is at revision keep_plans" in (await mtdb("check", env=settings_for(own))).stderr
    forward = await mtdb("migrate", "--to", REQUIRED_SCHEMA_REVISION, env=as_admin_of(own))
    assert (forward.exit_code, forward.stderr) == (0, "")
    assert (await mtdb("check", env=settings_for(own))).exit_code == 0


@pytest.mark.exhaustive
async def test_a_terminal_is_asked(own: TestDatabase) -> None:
    """At a terminal the answer decides whether it goes back."""
    refused = await answered(own, "n")
    assert (refused.exit_code, "nothing was changed" in refused.stderr) == (ExitCode.USAGE, True)
    assert (await mtdb("check", env=settings_for(own))).exit_code == 0

    assert (await answered(own, "y")).exit_code == 0
    assert "schema is at revision keep_plans" in (await mtdb("check", env=settings_for(own))).stderr
    assert (await migrate(own)).exit_code == 0


async def answered(own: TestDatabase, answer: str) -> Outcome:
    """Go back at a terminal, and answer the question."""
    keyboard, terminal = os.openpty()
    os.write(keyboard, f"{answer}\n".encode())
    process = await asyncio.create_subprocess_exec(
        *(PROGRAM, "migrate", "--to", "keep_plans"),
        env={"PATH": os.environ["PATH"], **as_admin_of(own)},
        stdin=terminal,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    os.close(keyboard)
    os.close(terminal)
    assert b"Downgrade? [y/N]:" in err
    return Outcome(process.returncode or 0, out.decode(), err.decode())


@pytest.mark.parametrize(("revision", "reason"), [("nowhere", "'nowhere'"), ("", "an empty name"), ("-1", "'-1'")])
async def test_an_unknown_revision_is_one_line(unmade: TestDatabase, revision: str, reason: str) -> None:
    """A misspelt revision, or an empty one of a variable that is not set, makes not even the database."""
    outcome = await mtdb("migrate", "--to", revision, "--yes", env=as_admin_of(unmade))

    assert outcome.exit_code == ExitCode.USAGE
    assert reason in outcome.complaint
    assert (await mtdb("check", env=settings_for(unmade))).exit_code == ExitCode.NO_DATABASE


async def test_settings_are_needed(tmp_path: Path) -> None:
    """Without any setting the installed program names the one it needs first."""
    outcome = await mtdb_process("migrate", env={}, cwd=tmp_path)

    assert outcome.exit_code == ExitCode.USAGE
    assert "MTDB_DATABASE_URL: Field required" in outcome.complaint


async def test_an_unreachable_server_is_one_line(unmade: TestDatabase) -> None:
    """Nobody listening is exit code 3."""
    nowhere = f"postgresql://admin:secret@127.0.0.1:{free_port()}/tenancy"
    outcome = await migrate(unmade, MTDB_DATABASE_URL=nowhere)

    assert outcome.exit_code == ExitCode.NO_DATABASE
    assert "cannot be reached" in outcome.complaint
    assert "secret" not in outcome.complaint


async def test_a_wrong_password_is_one_line(unmade: TestDatabase) -> None:
    """A refused administrator is told so."""
    wrong = unmade.admin_url.set(drivername="postgresql", password="wrong").render_as_string(hide_password=False)
    outcome = await migrate(unmade, MTDB_DATABASE_URL=wrong)

    assert outcome.exit_code == ExitCode.NO_DATABASE
    assert "password authentication failed" in outcome.complaint
    assert outcome.complaint.endswith("check user and password in MTDB_DATABASE_URL")


async def test_the_service_may_not_migrate(own: TestDatabase) -> None:
    """Whoever is no administrator is refused, and what is there stays."""
    url = own.admin_url.set(drivername="postgresql", username="tenancy_api", password=API_PASSWORD)
    outcome = await migrate(own, MTDB_DATABASE_URL=url.render_as_string(hide_password=False))

    assert outcome.exit_code == ExitCode.USAGE
    assert "an administrator?" in outcome.complaint
    assert (await mtdb("check", env=settings_for(own))).exit_code == 0


async def test_a_schema_of_a_newer_version_is_one_line(own: TestDatabase) -> None:
    """A revision that this version does not know is left alone, and the last line says why."""
    connection = await own.connect_as_admin()
    await connection.execute("UPDATE public.alembic_version SET version_num = 'from_the_future'")
    await connection.close()
    outcome = await migrate(own)

    assert outcome.exit_code == ExitCode.USAGE
    assert outcome.stderr.count("\n") == 1
    assert "from_the_future" in outcome.stderr


async def test_a_migration_that_the_server_refuses_is_one_line(unmade: TestDatabase) -> None:
    """A migration that meets what it does not expect ends without a traceback, and says that it left nothing behind."""
    assert (await migrate(unmade)).exit_code == 0
    connection = await unmade.connect_as_admin()
    await connection.execute("UPDATE public.alembic_version SET version_num = 'isolate_tenants'")
    await connection.close()
    outcome = await migrate(unmade)

    assert outcome.exit_code == ExitCode.USAGE
    assert outcome.stderr.count("\n") == 1
    assert "already exists" in outcome.stderr
    assert "it was rolled back" in outcome.stderr
