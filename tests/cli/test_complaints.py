"""What a failing command advises names the setting at fault, and the start of the program is light."""

import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.lazy_group import COMMANDS, load_command
from tests.support.extent import part
from tests.support.mtdb import mtdb, mtdb_process, settings_for
from tests.support.test_database import TestDatabase


@pytest.mark.parametrize(
    ("command", "variable"),
    [(["check"], "MTDB_API_PASSWORD"), (["token", "list"], "MTDB_OPERATOR_PASSWORD")],
    ids=str,
)
async def test_a_wrong_password_names_its_variable(database: TestDatabase, command: list[str], variable: str) -> None:
    """The role that was refused says which of the passwords is wrong."""
    outcome = await mtdb(*command, env=settings_for(database, **{variable: "wrong"}))
    assert outcome.complaint.endswith(f": check {variable}")


@pytest.mark.parametrize(
    ("command", "role"), [(["check"], "tenancy_api"), (["token", "list"], "tenancy_operator")], ids=str
)
async def test_a_wrong_password_in_the_url_names_the_url(database: TestDatabase, command: list[str], role: str) -> None:
    """Where the URL names the user, its password is the one that was refused."""
    url = database.admin_url.set(drivername="postgresql", username=role, password="wrong")
    environment = settings_for(database, MTDB_DATABASE_URL=url.render_as_string(hide_password=False))
    assert (await mtdb(*command, env=environment)).complaint.endswith(": check user and password in MTDB_DATABASE_URL")


async def test_a_role_that_may_not_log_in_has_no_wrong_password(
    database: TestDatabase, as_admin: asyncpg.Connection
) -> None:
    """Only a refused password is the password's fault."""
    await as_admin.execute("ALTER ROLE tenancy_operator NOLOGIN")
    try:
        outcome = await mtdb("token", "list", env=settings_for(database))
    finally:
        await as_admin.execute("ALTER ROLE tenancy_operator LOGIN")
    assert "is not permitted to log in" in outcome.complaint
    assert "PASSWORD" not in outcome.complaint


@pytest.mark.parametrize("command", ["migrate", "check"])
async def test_a_password_that_is_no_text_names_its_variable(database: TestDatabase, command: str) -> None:
    """A byte that is not UTF-8 is one line without the password, whichever command reads it."""
    outcome = await mtdb(command, env=settings_for(database, MTDB_API_PASSWORD="secret\udcff"))
    assert (outcome.exit_code, outcome.complaint) == (2, "mtdb: MTDB_API_PASSWORD: a password must be UTF-8 text")


async def test_settings_that_need_one_another_are_named_once(database: TestDatabase) -> None:
    """A mistake that no single setting makes has no other prefix than the command's."""
    alone = settings_for(database, MTDB_READ_SERVERS__Z="postgresql://127.0.0.1:1/tenancy")
    outcome = await mtdb("check", env=alone)
    assert (outcome.exit_code, outcome.complaint) == (2, "mtdb: MTDB_READ_SERVERS__Z needs MTDB_SERVERS__Z")


@pytest.mark.exhaustive
async def test_the_checkouts_help_is_for_the_checkout(database: TestDatabase, tmp_path: Path) -> None:
    """`make up` is mentioned where there is a Makefile, and nowhere else."""
    nowhere = settings_for(database, MTDB_DATABASE_URL="postgresql://127.0.0.1:1/tenancy")
    assert "make up" in (await mtdb("check", env=nowhere)).complaint
    assert "make up" not in (await mtdb_process("check", env=nowhere, cwd=tmp_path)).complaint
    assert "make up" not in (await mtdb_process("check", env={}, cwd=tmp_path)).complaint
    wrong = settings_for(database, MTDB_PORT="abc")
    assert "make up" not in (await mtdb("check", env=wrong)).complaint
    assert "MTDB_PORT: " in (await mtdb("check", env=wrong)).complaint


@pytest.mark.exhaustive
@pytest.mark.parametrize("command", part([["check"], ["serve"], ["migrate"], ["token", "list"]], 2), ids=" ".join)
async def test_a_damaged_file_of_settings_is_named(tmp_path: Path, command: list[str]) -> None:
    """What `make up` has written and something else has overwritten is one line, with the way out of it."""
    file = tmp_path / ".local" / "development.env"
    file.parent.mkdir()
    file.write_bytes(b"\xff\xfe")
    outcome = await mtdb_process(*command, env={}, cwd=tmp_path)
    assert outcome.complaint.startswith("mtdb: .local/development.env is not UTF-8 text")
    assert "`make reset`" in outcome.complaint
    assert outcome.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--version"], set()),
        (["--help"], set()),
        (["nonsense"], set()),
        (["token", "nonsense"], {"asyncpg", "sqlalchemy"}),
        (["migrate", "--help"], {"asyncpg", "sqlalchemy", "alembic"}),
    ],
    ids=["version", "help", "misspelt", "misspelt below", "one command"],
)
def test_a_command_imports_what_it_needs(arguments: list[str], heavy: set[str]) -> None:
    """The version, the list of commands and a misspelt one import nothing that a command needs; a command, its own."""
    program = (
        "import sys\n"
        "from multi_tenant_db.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*{'fastapi', 'uvicorn', 'alembic', 'sqlalchemy', 'asyncpg', 'structlog'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program, *arguments]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert set(said.splitlines()[-1].split()) == heavy


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says(name: str) -> None:
    """The help that stands in the list, so that nothing is imported for it, is the beginning of the command's own."""
    command = load_command(name)
    assert COMMANDS[name] == str(command.help).partition("\n\n")[0].replace("\n", " ")
    assert "--install-completion" not in [option for parameter in command.params for option in parameter.opts]


def test_the_first_process_of_a_container_can_be_ended() -> None:
    """As process 1, which no signal ends that it does not handle, the program handles SIGTERM before all else."""
    program = (
        "import os, signal\nos.getpid = lambda: 1\nimport multi_tenant_db.cli.main\nsignal.raise_signal(signal.SIGTERM)"
    )
    ended = subprocess.run([sys.executable, "-c", program], env={**os.environ}, check=False)
    assert ended.returncode == 143
