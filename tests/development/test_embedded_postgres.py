"""The embedded PostgreSQL: durable when asked, clear when it cannot start, and never in anybody's way."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from multi_tenant_db.cli import postgres
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development import EmbeddedPostgres, EmbeddedPostgresError
from multi_tenant_db.development.server_account import ServerAccount

ENOUGH_WRITES = 200


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder below which another account may be given one; as root, tmp_path lies below a closed one."""
    parent = Path(tempfile.mkdtemp(prefix="multi-tenant-db-test-"))
    parent.chmod(0o755)
    yield parent / "server"
    EmbeddedPostgres(parent / "server").kill()
    shutil.rmtree(parent)


async def connect(server: EmbeddedPostgres) -> asyncpg.Connection:
    """Connect as the superuser."""
    return await asyncpg.connect(server.url())


async def write_until_the_end(
    server: EmbeddedPostgres, writer: int, acknowledged: set[int], enough: asyncio.Event
) -> None:
    """Insert one row a transaction, noting each that the server acknowledged, until the server is gone."""
    connection = await connect(server)
    number = writer
    try:
        while True:
            await connection.execute("INSERT INTO written (number) VALUES ($1)", number)
            acknowledged.add(number)
            number += 10
            if len(acknowledged) >= ENOUGH_WRITES:
                enough.set()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        connection.terminate()


@pytest.mark.exhaustive
async def test_every_acknowledged_write_survives_a_kill(folder: Path) -> None:
    """A server killed with SIGKILL under ten writers has, once started again, every row it acknowledged."""
    server = EmbeddedPostgres(folder).start()
    connection = await connect(server)
    await connection.execute("CREATE TABLE written (number bigint PRIMARY KEY)")
    await connection.close()
    acknowledged: set[int] = set()
    enough = asyncio.Event()
    async with asyncio.timeout(60), asyncio.TaskGroup() as writers:
        for writer in range(10):
            writers.create_task(write_until_the_end(server, writer, acknowledged, enough))
        await enough.wait()
        server.kill()

    assert server.pid is None
    assert (server.data / "postmaster.pid").exists(), "the crash leaves its pid file, as a real one does"
    server.start()

    connection = await connect(server)
    found = {row["number"] for row in await connection.fetch("SELECT number FROM written")}
    await connection.close()
    assert len(acknowledged) >= ENOUGH_WRITES
    assert acknowledged <= found


@pytest.mark.exhaustive
async def test_the_server_of_make_up_is_durable_and_that_of_the_tests_is_fast(folder: Path) -> None:
    """Each of the settings on which durability hangs is on by default, and off when speed is asked for."""
    shown = {}
    for durable in (True, False):
        # The second start meets a running server with other settings and restarts it.
        connection = await connect(EmbeddedPostgres(folder, durable=durable).start())
        names = ("fsync", "synchronous_commit", "full_page_writes")
        shown[durable] = [await connection.fetchval("SELECT current_setting($1)", name) for name in names]
        await connection.close()
    assert shown == {True: ["on"] * 3, False: ["off"] * 3}


async def test_only_this_machine_with_a_password_gets_in(folder: Path) -> None:
    """The server listens on 127.0.0.1 without a Unix socket, and refuses a wrong password and none."""
    server = EmbeddedPostgres(folder, durable=False).start()
    connection = await connect(server)
    assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
    assert await connection.fetchval("SHOW unix_socket_directories") == ""
    await connection.close()
    for password in ("wrong", ""):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(host="127.0.0.1", port=server.port, user="postgres", password=password)
    assert (folder / "superuser.password").stat().st_mode & 0o077 == 0


async def test_it_is_the_release_asked_for(folder: Path) -> None:
    """The running server is the very release that the object names."""
    server = EmbeddedPostgres(folder, durable=False).start()
    connection = await connect(server)
    assert (await connection.fetchval("SHOW server_version")).startswith(server.release)
    await connection.close()


@pytest.mark.exhaustive
def test_starting_a_running_server_changes_nothing(folder: Path) -> None:
    """A second start finds the same process, also through another object."""
    first = EmbeddedPostgres(folder, durable=False).start()
    second = EmbeddedPostgres(folder, durable=False).start()
    assert first.pid is not None
    assert (second.pid, second.port) == (first.pid, first.port)


def test_a_taken_port_names_the_setting(folder: Path) -> None:
    """Where another program listens, the message names port and setting, and a running server goes on running."""
    running = EmbeddedPostgres(folder, durable=False).start()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedPostgresError, match=f"Port {port} is taken .* set POSTGRES_PORT"):
            EmbeddedPostgres(folder, port=port, durable=False).start()
    assert running.pid


@pytest.mark.exhaustive
def test_a_pid_file_that_names_another_process_is_stale(folder: Path) -> None:
    """After a crash and a restart of the machine the noted id may be anybody's: the server starts all the same."""
    server = EmbeddedPostgres(folder, durable=False).start()
    server.kill()
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:], ""]))
    assert server.pid is None
    assert server.start().pid not in {None, os.getpid()}


@pytest.mark.exhaustive
def test_a_reason_that_only_the_log_knows_is_passed_on(folder: Path) -> None:
    """A server that refuses its settings is reported in PostgreSQL's own words, with the log's place."""
    server = EmbeddedPostgres(folder, durable=False, settings={"no_such_setting": "on"})
    with pytest.raises(EmbeddedPostgresError, match=r"does not start: .*no_such_setting.*server\.log"):
        server.start()


@pytest.mark.exhaustive
def test_a_creation_that_fails_leaves_nothing_that_looks_like_data(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When initdb fails its last words are passed on, and the next start creates the data anew."""
    server = EmbeddedPostgres(folder, durable=False)
    with monkeypatch.context() as broken:
        refusal = subprocess.CompletedProcess([], 1, "", "initdb: error: disk full")
        broken.setattr(ServerAccount, "run", lambda *_: refusal)
        broken.setattr(ServerAccount, "can_enter", lambda *_: True)
        with pytest.raises(EmbeddedPostgresError, match="disk full"):
            server.start()
    assert server.start().pid


def test_a_folder_closed_to_the_servers_account_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's server runs as another account, so a folder closed to that account is refused with a reason."""
    server = EmbeddedPostgres(folder, durable=False).start()
    server.stop()
    monkeypatch.setattr(ServerAccount, "can_enter", lambda _, entered: entered != server.folder)
    with pytest.raises(EmbeddedPostgresError, match="cannot enter"):
        server.start()


def test_before_its_first_start_a_server_has_neither_port_nor_password(folder: Path) -> None:
    """Asking for what is not there yet says that the server has to be started."""
    server = EmbeddedPostgres(folder)
    with pytest.raises(EmbeddedPostgresError, match="no port before its first start"):
        _ = server.port
    with pytest.raises(EmbeddedPostgresError, match="start it"):
        _ = server.password


@pytest.mark.exhaustive
def test_as_a_context_it_stops_at_the_end_and_keeps_its_data(folder: Path) -> None:
    """The server runs inside the block only; its data stays."""
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.pid
    assert server.pid is None
    assert (server.data / "PG_VERSION").exists()


def test_the_development_server_lives_as_long_as_the_checkout() -> None:
    """`make up` always finds the same folder, apart from those of the tests."""
    folders = {EmbeddedPostgres.for_development(port=port).folder for port in (1, 2)}
    assert [folder.name for folder in folders] == ["development"]


@pytest.mark.exhaustive
def test_data_of_another_major_release_is_refused(folder: Path) -> None:
    """Data of PostgreSQL 16 is left alone, with a message that says so."""
    server = EmbeddedPostgres(folder, durable=False).start()
    server.stop()
    (server.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match="created by PostgreSQL 16"):
        server.start()


def test_an_unknown_release_names_the_known_ones(folder: Path) -> None:
    """A release that is not pinned is refused before anything is downloaded."""
    with pytest.raises(
        EmbeddedPostgresError, match=r"16\.1 is not available: set POSTGRES_VERSION to one of 18\.4, 17\.10"
    ):
        EmbeddedPostgres(folder, release="16.1").start()


def test_a_temporary_server_leaves_nothing() -> None:
    """After the block neither process nor folder is there."""
    with EmbeddedPostgres.temporary() as server:
        assert server.pid
    assert server.pid is None
    assert not server.folder.exists()


@pytest.mark.exhaustive
def test_status_tells_by_its_exit_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mtdb postgres` starts, tells 0 while running and 3 once stopped, and stops twice without complaint."""
    server = EmbeddedPostgres(folder)
    monkeypatch.setattr(EmbeddedPostgres, "for_development", lambda **_: server)
    runner = CliRunner()

    def exit_code(command: str) -> int:
        return runner.invoke(postgres.app, [command]).exit_code

    assert exit_code("status") == ExitCode.NO_DATABASE
    commands = ("start", "start", "status", "stop", "stop", "status")
    assert [exit_code(command) for command in commands] == [0, 0, 0, 0, 0, ExitCode.NO_DATABASE]


def test_an_operators_mistake_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mtdb postgres start` with an unknown release prints one line on stderr and exits with 1."""
    monkeypatch.setattr(EmbeddedPostgres, "for_development", lambda **_: EmbeddedPostgres(folder, release="9.6"))
    result = CliRunner().invoke(postgres.app, ["start"])
    assert result.exit_code == 1
    assert result.stderr.startswith("mtdb: PostgreSQL 9.6 is not available")
    assert result.stderr.count("\n") == 1


async def test_an_administrators_url_is_printed_while_it_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mtdb postgres url` opens the database that it names; stopped, there is none, and the exit code says so."""
    server = EmbeddedPostgres(folder)
    monkeypatch.setattr(EmbeddedPostgres, "for_development", lambda **_: EmbeddedPostgres(folder))
    runner = CliRunner()
    stopped = runner.invoke(postgres.app, ["url"])
    server.start()
    try:
        printed = runner.invoke(postgres.app, ["url", "postgres"])
        connection = await asyncpg.connect(printed.stdout.strip())
        assert await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        await connection.close()
    finally:
        server.stop()

    assert (stopped.exit_code, stopped.stdout) == (ExitCode.NO_DATABASE, "")
    assert (printed.exit_code, printed.stderr) == (0, "")
    assert runner.invoke(postgres.app, ["url"]).exit_code == ExitCode.NO_DATABASE
