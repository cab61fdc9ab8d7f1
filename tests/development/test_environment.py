"""Whatever the shell's environment and the disk hold: the set-up sees what it set itself, and a mistake is one line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from multi_tenant_db.cli import postgres
from multi_tenant_db.development import EmbeddedPostgres, EmbeddedPostgresError, folders
from multi_tenant_db.development.server_account import ServerAccount
from tests.development.fake_docker import FakeDocker
from tests.support.extent import part
from tests.support.sources import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> FakeDocker:
    """Make a checkout whose last `make up` ran the embedded server."""
    checkout = FakeDocker(tmp_path / "bank")
    checkout.remember("embedded")
    return checkout


def tools_environment(**given: str) -> dict[str, str]:
    """Return what scripts/bootstrap.py would give pip and uv."""
    program = (
        "import json, sys; sys.path.insert(0, 'scripts'); import bootstrap as b; print(json.dumps(b.environment()))"
    )
    command = [sys.executable, "-c", program]
    own = {"PATH": os.environ["PATH"], "HOME": "/"} | given
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_where_to_install_is_our_affair() -> None:
    """What sends an installation elsewhere does not reach the tools."""
    elsewhere = [
        *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV", "PIP_PYTHON", "PIP_DRY_RUN"),
        *("UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_PROJECT_ENVIRONMENT", "UV_RESOLUTION"),
        *("PYTHONPATH", "PYTHONWARNINGS", "VIRTUAL_ENV"),
    ]
    assert not tools_environment(**dict.fromkeys(elsewhere, "/elsewhere")).keys() & {*elsewhere}


def test_pip_installs_for_nobody_in_particular() -> None:
    """PIP_USER, and the same in pip's configuration, do not hold here."""
    assert tools_environment(PIP_USER="1")["PIP_USER"] == "0"


def test_from_where_to_install_is_the_users_affair() -> None:
    """A mirror, a proxy and its certificates are left as they are set."""
    variables = ("PIP_INDEX_URL", "PIP_CERT", "UV_DEFAULT_INDEX", "HTTPS_PROXY", "SSL_CERT_FILE")
    given = dict.fromkeys(variables, "mirror")
    assert tools_environment(**given).items() >= given.items()


def test_a_home_that_may_not_be_read_is_not_asked(tmp_path: Path) -> None:
    """The tools get a home of ours where the user's is none."""
    assert tools_environment(HOME=str(tmp_path / "absent"))["HOME"] == str(ROOT / ".local" / "cache" / "home")


def test_make_forgets_what_python_was_told() -> None:
    """`make` takes Python's own variables away from every program that it starts."""
    told = dict.fromkeys(("PYTHONSAFEPATH", "PYTHONPATH", "PYTHONSTARTUP"), "1") | {"PYTHONWARNINGS": "error"}
    makefile = "include Makefile\nshow:\n\t@env\n"
    command = ["make", "--no-print-directory", "-f", "-", "show"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | told, input=makefile, capture_output=True, text=True, check=True
    )
    assert not [line for line in done.stdout.splitlines() if line.startswith(tuple(f"{name}=" for name in told))]


@pytest.mark.exhaustive
def test_libpqs_variables_are_for_servers_of_the_users(checkout: FakeDocker) -> None:
    """On the development server they do not count; for a server that MTDB_DATABASE_URL names they do."""
    variables = ["PGSSLMODE", "PGTARGETSESSIONATTRS", "PGHOST", "PGPORT", "PGUSER", "PGSERVICE"]
    given = dict.fromkeys(variables, "x")
    question = f"[name for name in {variables} if name in development.environment()]"
    assert checkout.ask(question, **given) == []
    assert checkout.ask(question, MTDB_DATABASE_URL="postgresql://admin:x@h/t", **given) == variables


def test_the_tests_see_nothing_of_it_either() -> None:
    """Neither another program's settings nor a proxy is left where tests run."""
    others = [name for name in os.environ if name.startswith(("PG", "OTEL_")) or name.lower().endswith("_proxy")]
    assert not others


@pytest.mark.parametrize("variable", ["PORT", "POSTGRES_PORT"])
@pytest.mark.parametrize("port", part(["abc", "70000", "0", "-1", "8000.5"], 4))
def test_a_port_that_is_none(checkout: FakeDocker, variable: str, port: str) -> None:
    """It is said in a line, with exit code 1, and nothing happens."""
    done = checkout.run("down", **{variable: port})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {variable}={port} is not a port: choose a number from 1 to 65535.\n"


@pytest.mark.parametrize("line", part(["nonsense", "=x", "\x00\x01\x02", "A B=1"], 2))
def test_a_damaged_file_of_passwords(checkout: FakeDocker, line: str) -> None:
    """It is named with its line, and left as it is."""
    file = checkout.checkout / ".local" / "development.env"
    before = file.read_text() + line + "\n"
    file.write_text(before)
    done = checkout.run("up", MTDB_NO_DOCKER="1")
    assert done.returncode == 1
    assert "is damaged" in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_text() == before


def test_a_lost_password_is_told(tmp_path: Path) -> None:
    """Data without its password is not said to be absent."""
    server = EmbeddedPostgres(tmp_path)
    server.data.mkdir()
    with pytest.raises(EmbeddedPostgresError, match="is missing"):
        _ = server.password


@pytest.mark.exhaustive
def test_an_empty_data_folder_is_filled() -> None:
    """A folder that was made, and never filled, is no cluster yet; one with something else in it is left alone."""
    with EmbeddedPostgres.temporary() as server:
        server.kill()
        shutil.rmtree(server.data)
        server.data.mkdir()
        assert server.start().pid
        (server.data / "postmaster.opts").unlink()
        assert server.start().pid
        server.stop()
        (server.data / "PG_VERSION").rename(server.data / "elsewhere")
        with pytest.raises(EmbeddedPostgresError, match="contains no PostgreSQL data"):
            server.start()


@pytest.mark.parametrize("character", ['"', "$", "`", "\\"])
def test_a_path_that_initdb_cannot_bear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, character: str) -> None:
    """The server of such a checkout lives outside it; a space, an apostrophe or a percent sign does no harm."""
    (tmp_path / "outside").mkdir()
    monkeypatch.setattr(folders, "OUTSIDE", tmp_path / "outside")
    monkeypatch.setattr(ServerAccount, "can_enter", lambda *_: True)
    monkeypatch.setattr(folders, "LOCAL", tmp_path / f"a{character}b")
    assert folders.postgres_home(ServerAccount.choose()).parent == tmp_path / "outside"
    monkeypatch.setattr(folders, "LOCAL", tmp_path / "a b'c%2F")
    assert folders.postgres_home(ServerAccount.choose()) == tmp_path / "a b'c%2F" / "postgres"


def test_a_user_whom_the_machine_does_not_know(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Initdb refuses him, and the line says what to do."""
    said = subprocess.CompletedProcess([], 1, "", "initdb: error: could not look up effective user ID 12345: no such")
    monkeypatch.setattr(ServerAccount, "run", lambda *_: said)
    monkeypatch.setattr(ServerAccount, "can_enter", lambda *_: True)
    with pytest.raises(EmbeddedPostgresError, match="needs its user in /etc/passwd"):
        EmbeddedPostgres(tmp_path / "server").start()


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("STACK=embedded\nMTDB_DATABASE_URL=postgresql://127.0.0.1:54399/tenancy\n", 54399),
        ("STACK=embedded\n", 54320),
        ("\udcff\udcfe\nMTDB_DATABASE_URL=postgresql://127.0.0.1:54399/tenancy\n", 54399),
        (None, 54320),
    ],
)
def test_the_server_starts_where_the_api_looks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str | None, expected: int
) -> None:
    """`mtdb postgres start` takes the port of `make up`, unless it is given one."""
    started: list[int | None] = []

    class Started(EmbeddedPostgres):
        """Only notes its port."""

        def start(self) -> "Started":
            started.append(self._port)
            return self

        pid = 1

    monkeypatch.setattr(postgres, "LOCAL", tmp_path)
    monkeypatch.setattr(postgres, "EmbeddedPostgres", Started)
    if file is not None:
        (tmp_path / "development.env").write_text(file, errors="surrogateescape")
    runner = CliRunner()
    assert runner.invoke(postgres.app, ["start"], env={"POSTGRES_PORT": ""}).exit_code == 0
    assert runner.invoke(postgres.app, ["start", "--port", "5"]).exit_code == 0
    assert started == [expected, 5]
