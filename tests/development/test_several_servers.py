"""`make up SERVERS=2`: several embedded servers, with the organisations of the sample data spread over them."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from multi_tenant_db.cli import postgres
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.development.folders import postgres_home
from multi_tenant_db.development.ports import free_port
from multi_tenant_db.development.postgres_package import installed_postgres
from multi_tenant_db.development.postgres_releases import chosen_release
from multi_tenant_db.development.server_account import ServerAccount
from tests.development.fake_docker import FakeDocker
from tests.support.extent import part

WITHOUT_DOCKER = {"MTDB_NO_DOCKER": "1"}
REQUEST = re.compile(r'curl -H "Authorization: Bearer (\S+)" (\S+)')


@pytest.fixture
def checkout(tmp_path: Path) -> FakeDocker:
    """Make a checkout whose last `make up` ran the embedded server."""
    checkout = FakeDocker(tmp_path / "bank")
    checkout.remember("embedded")
    return checkout


@contextmanager
def data_of(checkout: FakeDocker, *labels: str) -> Iterator[list[Path]]:
    """Make the data folders of servers, as earlier runs leave them."""
    asked = f"[str(local_servers.EmbeddedPostgres.for_development(label).data) for label in {[*labels]}]"
    folders = [Path(folder) for folder in checkout.ask(asked)]
    for folder in folders:
        folder.mkdir(parents=True)
    try:
        yield folders
    finally:
        for folder in folders:
            shutil.rmtree(folder.parent, ignore_errors=True)


def test_a_number_that_cannot_be(checkout: FakeDocker) -> None:
    """It is one line, with exit code 1, before anything is started."""
    for given in part(["0", "5", "two", "-1", "2.0"], 2):
        done = checkout.run("up", SERVERS=given, **WITHOUT_DOCKER)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"error: SERVERS={given}: choose a number from 1 to 4.\n"


@pytest.mark.parametrize("command", ["up", "reset"])
def test_containers_have_one_server(tmp_path: Path, command: str) -> None:
    """With Docker, the line says how to get several; nothing is built and nothing is deleted."""
    docker = FakeDocker(tmp_path / "bank")
    docker.remember("docker")
    before = (docker.checkout / ".local" / "development.env").read_text()
    done = docker.run(command, SERVERS="2")
    assert done.returncode == 1
    assert "`MTDB_NO_DOCKER=1 make up SERVERS=2`" in done.stderr
    assert not [call for call in docker.calls if " build" in call or " down" in call]
    assert (docker.checkout / ".local" / "development.env").read_text() == before


def test_servers_of_the_users_own_are_named_by_their_urls(checkout: FakeDocker) -> None:
    """SERVERS starts none beside them; MTDB_SERVERS__B names the second, and the file has no administrator."""
    own = {"MTDB_DATABASE_URL": "postgresql://a:x@h/t", "MTDB_SERVERS__B": "postgresql://a:x@i:1/t"}
    done = checkout.run("up", SERVERS="2", **own)
    assert (done.returncode, "set MTDB_SERVERS__B beside MTDB_DATABASE_URL" in done.stderr) == (1, True)
    assert checkout.ask("development.admin_urls()", **own) == own
    without = {name: url.replace("a:x@", "") for name, url in own.items()}
    assert checkout.ask("development.without_users()", **own) == without
    assert checkout.ask("development.ADMIN_URLS", MTDB_SERVERS__B="postgresql://a:x@i:1/t") == {}


def test_the_shells_servers_do_not_reach_the_commands(checkout: FakeDocker) -> None:
    """Only the file's servers count."""
    asked = "[name for name in development.environment() if name.startswith('MTDB_')]"
    assert checkout.ask(asked, MTDB_SERVERS__X="postgresql://h/t", MTDB_SERVERS="{}", **WITHOUT_DOCKER) == [
        "MTDB_NO_DOCKER"
    ]


def test_servers_with_data_are_started(checkout: FakeDocker) -> None:
    """Without SERVERS, those that have data run; SERVERS adds more."""
    cases: list[tuple[tuple[str, ...], str, list[str]]] = [
        ((), "", ["default"]),
        ((), "3", ["default", "b", "c"]),
        (("default", "b"), "", ["default", "b"]),
        (("default", "b"), "3", ["default", "b", "c"]),
        (("c",), "", ["default", "b", "c"]),
    ]
    for made, given, labels in cases:
        with data_of(checkout, *made):
            assert checkout.ask("local_servers.chosen_labels()", SERVERS=given) == labels


def test_no_server_with_data_is_left_out(checkout: FakeDocker) -> None:
    """Fewer servers than have data is refused, with the way to start again."""
    with data_of(checkout, "default", "b") as folders:
        done = checkout.run("up", SERVERS="1", **WITHOUT_DOCKER)
        assert all(folder.exists() for folder in folders)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "organisations live on 2 servers" in done.stderr
    assert "`make reset SERVERS=1`" in done.stderr


@pytest.mark.untraced
@pytest.mark.exhaustive
def test_two_servers_from_start_to_reset(tmp_path: Path) -> None:
    """Both are started, filled and served; again, they are found; stopped and started, kept; reset to one, gone."""
    checkout = FakeDocker(tmp_path / "bank")
    home = Path(checkout.ask("str(local_servers.EmbeddedPostgres.for_development().folder.parent)"))
    release = chosen_release()
    shutil.copytree(installed_postgres(release, postgres_home(ServerAccount.choose())), home / release, symlinks=True)
    environment = WITHOUT_DOCKER | {"PORT": str(free_port()), "POSTGRES_PORT": str(free_port())}
    file = checkout.checkout / ".local" / "development.env"
    try:
        first = checkout.run("up", SERVERS="2", **environment)
        assert first.returncode == 0, first.stdout + first.stderr
        settings = file.read_text()
        again = checkout.run("up", **environment)
        served = [names_read(token, url) for token, url in REQUEST.findall(again.stdout)]
        options = [(home / name / "data" / "postmaster.opts").read_text() for name in ("development", "development-b")]
        moved = checkout.run("token", "Barclays", **environment)
        stopped = checkout.run("down", **environment)
        running = "[local_servers.EmbeddedPostgres.for_development(label).pid for label in local_servers.LABELS]"
        assert checkout.ask(running) == [None] * 4
        restarted = checkout.run("up", **environment)
        kept = file.read_text()
        reset = checkout.run("reset", SERVERS="1", **environment)
        assert not (home / "development-b").exists()
        assert REQUEST.findall(reset.stdout)[0][0].startswith("mtdb_")
        assert "MTDB_SERVERS" not in file.read_text()
    finally:
        checkout.run("down", **environment)
        shutil.rmtree(home, ignore_errors=True)

    assert "44 were added" in first.stdout
    assert "MTDB_SERVERS__B=postgresql://127.0.0.1:" in settings
    assert "; 0 were added" in again.stdout
    assert [names[0] for names in served] == ["HSBC", "Barclays"]
    assert all('"wal_level=logical"' in started for started in options)
    assert moved.stdout.startswith("mtdb_b.")
    assert [done.returncode for done in (again, stopped, restarted, reset)] == [0, 0, 0, 0]
    assert kept == settings
    assert len(REQUEST.findall(reset.stdout)) == 1


def names_read(token: str, url: str) -> list[str]:
    """Return the names of the tenants that a printed request reads."""
    answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"})
    return [tenant["name"] for tenant in answer.json()["items"]]


def test_a_further_server_starts_where_the_api_looks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mtdb postgres --server b` takes the port of MTDB_SERVERS__B; POSTGRES_PORT is the first server's."""
    asked: list[tuple[str, int | None]] = []

    def for_development(*, label: str, port: int | None = None, release: str | None = None) -> EmbeddedPostgres:
        asked.append((label, port))
        return EmbeddedPostgres(tmp_path, port=port or 1, release=release)

    monkeypatch.setattr(postgres, "LOCAL", tmp_path)
    monkeypatch.setattr(EmbeddedPostgres, "for_development", for_development)
    monkeypatch.setattr(EmbeddedPostgres, "start", lambda server: server)
    (tmp_path / "development.env").write_text("MTDB_SERVERS__B=postgresql://127.0.0.1:54399/tenancy\n")
    runner = CliRunner()
    for arguments in (["b"], ["b", "--port", "5"], ["c"], ["default"]):
        runner.invoke(postgres.app, ["start", "--server", *arguments], env={"POSTGRES_PORT": "7"})
    wrong = runner.invoke(postgres.app, ["url", "--server", "../x"])
    said = [runner.invoke(postgres.app, [command, "--server", "b"]).output for command in ("stop", "status", "url")]
    alone = runner.invoke(postgres.app, ["status"]).output

    assert asked[:4] == [("b", 54399), ("b", 5), ("c", None), ("default", 7)]
    assert wrong.exit_code == ExitCode.USAGE
    assert said[:2] == ["PostgreSQL (server b) is stopped.\n"] * 2
    assert said[2] == "mtdb: PostgreSQL (server b) is stopped: run `mtdb postgres start --server b`\n"
    assert alone == "PostgreSQL is stopped.\n"
