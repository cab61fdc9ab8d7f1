"""`mtdb serve` as machines treat it: parents are killed, disks are full, names are long, hosts have two families."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import URL

from examples.accounts.install import install
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development.ports import free_port
from multi_tenant_db.development.processes import children_of, command_of
from tests.reliability.support.until import until
from tests.support.extent import part
from tests.support.fresh_database import fresh_database
from tests.support.listening import refuses_connections
from tests.support.mtdb import PROGRAM, mtdb_process, settings_for
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.sources import ROOT
from tests.support.test_database import TestDatabase


@asynccontextmanager
async def served(
    database: TestDatabase, folder: Path, *options: str, output: int | None = None, **settings: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Run `mtdb serve` with its output in a file, or elsewhere; give it once it is healthy."""
    port = free_port()
    environment = settings_for(database, MTDB_PORT=str(port), **settings)
    with (folder / "output").open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            "serve",
            *options,
            env={"PATH": os.environ["PATH"], **environment},
            cwd=folder,
            stdout=written if output is None else output,
            stderr=written,
            start_new_session=True,
        )

    async def healthy() -> bool:
        assert process.returncode is None, (folder / "output").read_text()
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient() as client:
                return (await client.get(f"http://127.0.0.1:{port}/health")).status_code == 200
        return False

    try:
        await until(healthy, "the service is healthy", 30)
        yield process, port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def is_free(port: int) -> bool:
    """Tell whether nobody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.exhaustive
@pytest.mark.parametrize("how", ["two workers", "reload"])
async def test_children_end_with_their_parent(database: TestDatabase, tmp_path: Path, how: str) -> None:
    """When the parent is killed, as by the kernel for want of memory, its children end and give the port back."""
    (tmp_path / "src").mkdir()
    options = ["--reload"] if how == "reload" else []
    async with served(database, tmp_path, *options, MTDB_WORKERS="2") as (process, port):
        children = children_of(process.pid)
        assert children
        process.kill()

        async def gone() -> bool:
            return is_free(port) and not any(command_of(child) for child in children)

        await until(gone, "the children have ended", 20)


@pytest.mark.parametrize("log_format", part(["json", "text"], 2))
async def test_a_full_disk_costs_the_log_alone(
    database: TestDatabase, hsbc: Organization, tmp_path: Path, log_format: str
) -> None:
    """Where standard output takes nothing more, requests are served as ever, and the service ends in order."""
    full = os.open("/dev/full", os.O_WRONLY)
    async with served(database, tmp_path, output=full, MTDB_LOG_FORMAT=log_format) as (process, port):
        os.close(full)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=hsbc.parent.headers) as client:
            assert (await client.get("/tenants")).status_code == 200
        process.terminate()
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    assert (tmp_path / "output").read_text() == ""


@pytest.mark.exhaustive
@pytest.mark.parametrize("command", part([["--help"], ["check", "--rules"], ["token", "list"]], 2), ids=" ".join)
async def test_other_commands_say_that_the_disk_is_full(
    database: TestDatabase, tmp_path: Path, command: list[str]
) -> None:
    """One line, exit code 1."""
    process = await asyncio.create_subprocess_exec(
        "/bin/sh",
        *("-c", 'exec "$@" >/dev/full', "sh", str(PROGRAM), *command),
        env={"PATH": os.environ["PATH"], **settings_for(database)},
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert said.decode() == "mtdb: standard output cannot be written: no space left on device\n"
    assert process.returncode == ExitCode.FAILED


async def test_a_long_folder_for_temporary_files(database: TestDatabase, tmp_path: Path) -> None:
    """The sockets by which workers tell their metrics lie where their names fit."""
    long = tmp_path / ("x" * 100)
    long.mkdir()
    metrics = str(free_port())
    async with served(database, tmp_path, TMPDIR=str(long), MTDB_METRICS_PORT=metrics), httpx.AsyncClient() as client:
        told = (await client.get(f"http://127.0.0.1:{metrics}/metrics")).text
    assert "mtdb_http_request_duration_seconds_count{" in told


async def test_both_families_of_addresses(database: TestDatabase, tmp_path: Path) -> None:
    """`MTDB_HOST=::` listens on IPv4 and IPv6."""
    async with served(database, tmp_path, MTDB_HOST="::") as (_process, port), httpx.AsyncClient() as client:
        for host in ("127.0.0.1", "[::1]"):
            assert (await client.get(f"http://{host}:{port}/health")).status_code == 200


@pytest.mark.exhaustive
@pytest.mark.parametrize(("seconds", "is_open"), [("1", False), ("75", True)])
async def test_an_idle_connection_stays_as_long_as_set(
    database: TestDatabase, tmp_path: Path, seconds: str, is_open: bool
) -> None:
    """A load balancer in front keeps connections, and the service must not close them first."""
    async with served(database, tmp_path, MTDB_KEEP_ALIVE_SECONDS=seconds) as (_process, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"}")
        try:
            async with asyncio.timeout(3):
                assert await reader.read() == b""
            stayed_open = False
        except TimeoutError:
            stayed_open = True
        writer.close()
    assert stayed_open is is_open


APPLICATION = """
from multi_tenant_db.main import create_app

def make():
    app = create_app()

    @app.get("/accounts")
    async def accounts() -> list[str]:
        return ["Treasury"]

    return app

nothing = None

def make_text():
    return "no application"

def make_wsgi():
    return lambda environment, start: []
"""

FACTORIES_OF_NOTHING = ["bank", "bank:absent", "bank:nothing", "absent:make", "absent.bank:make", ":make", ".bank:make"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_an_application_of_ones_own(database: TestDatabase, tmp_path: Path, workers: str) -> None:
    """It is served with every limit of the service, also those that lie below the application."""
    (tmp_path / "bank.py").write_text(APPLICATION)
    own = served(database, tmp_path, "--app", "bank:make", MTDB_WORKERS=workers)
    async with own as (_, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/accounts")).json() == ["Treasury"]
        too_large = await client.get("/accounts", headers={"X-Large": "x" * 20_000})
        offered = await client.get("/accounts", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
    assert (too_large.status_code, too_large.json()["code"]) == (431, "headers_too_large")
    assert offered.status_code == 200


@pytest.mark.exhaustive
@pytest.mark.parametrize("factory", part(FACTORIES_OF_NOTHING, 4))
async def test_a_factory_that_is_none_is_wrong_usage(database: TestDatabase, tmp_path: Path, factory: str) -> None:
    """It is said before anything starts."""
    (tmp_path / "bank.py").write_text(APPLICATION)
    outcome = await mtdb_process("serve", "--app", factory, env=settings_for(database), cwd=tmp_path)
    assert outcome.exit_code == ExitCode.USAGE
    assert "there is no" in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.exhaustive
@pytest.mark.parametrize("factory", part(["bank:make_wsgi", "bank:make_text"], 2))
async def test_what_a_factory_makes_is_an_application(database: TestDatabase, tmp_path: Path, factory: str) -> None:
    """Anything else is said in a line."""
    (tmp_path / "bank.py").write_text(APPLICATION)
    environment = settings_for(database, MTDB_PORT="0")
    outcome = await mtdb_process("serve", "--app", factory, env=environment, cwd=tmp_path)
    assert outcome.exit_code == ExitCode.USAGE
    assert set(outcome.stderr.splitlines()) == {f"mtdb: --app: {factory} does not return an ASGI application"}


@pytest.mark.exhaustive
async def test_workers_without_an_application_end_their_service(database: TestDatabase, tmp_path: Path) -> None:
    """With several workers the service ends as well, with the line that one worker prints."""
    (tmp_path / "bank.py").write_text(APPLICATION)
    environment = settings_for(database, MTDB_PORT="0", MTDB_WORKERS="2")
    outcome = await mtdb_process("serve", "--app", "bank:make_text", env=environment, cwd=tmp_path)
    assert outcome.exit_code == ExitCode.FAILED
    assert "mtdb: --app: bank:make_text does not return an ASGI application" in outcome.stderr.splitlines()
    assert "Traceback" not in outcome.stderr


@pytest.fixture(scope="module")
async def bank(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give a database with the example's accounts."""
    async with fresh_database(server_url) as database:
        await install(database.admin_url)
        yield database


EXAMPLE = "examples.accounts.app:create_accounts_app"


async def test_the_example_is_served_with_every_limit(bank: TestDatabase, tmp_path: Path) -> None:
    """The guide's command serves it; limits of headers, websockets, metrics and the stop are those of the service."""
    guide = (ROOT / "docs" / "how-to" / "add-a-table.md").read_text(encoding="utf-8")
    assert f"mtdb serve --app {EXAMPLE}" in guide
    operator = await bank.connect_as_operator()
    mine = (await Registry(operator).create_organization("Mine")).parent
    await operator.close()
    metrics, body = str(free_port()), json.dumps({"tenant_id": str(mine.tenant_id), "name": "Treasury"})
    async with served(bank, tmp_path, "--app", EXAMPLE, MTDB_METRICS_PORT=metrics, PYTHONPATH=str(ROOT)) as (
        process,
        port,
    ):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=mine.headers) as client:
            assert (await client.get("/accounts", headers={"X-Large": "x" * 20_000})).status_code == 431
            upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
            assert (await client.get("/accounts", headers=upgrade)).json() == []
            told = (await client.get(f"http://127.0.0.1:{metrics}/metrics")).text
        assert 'route="/accounts"' in told

        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"Host: x\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"POST /accounts HTTP/1.1\r\n{head}Authorization: Bearer {mine.token}\r\n\r\n{body[:5]}".encode())
        async with asyncio.timeout(30):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")  # the request is under way
            process.terminate()
            await until(partial(refuses_connections, port), "new connections are refused")
            writer.write(body[5:].encode())
            assert (await reader.read()).startswith(b"HTTP/1.1 201")
            assert await process.wait() == 0
        writer.close()


@pytest.mark.exhaustive
async def test_waiting_for_a_database_is_said_once(database: TestDatabase, tmp_path: Path) -> None:
    """A start that waits logs the cause when it changes, not with every try."""
    nowhere = settings_for(
        database,
        MTDB_DATABASE_URL=f"postgresql://127.0.0.1:{free_port()}/tenancy",
        MTDB_STARTUP_TIMEOUT_SECONDS="3",
        MTDB_LOG_FORMAT="text",
    )
    outcome = await mtdb_process("serve", env=nowhere, cwd=tmp_path)
    assert outcome.exit_code == ExitCode.NO_DATABASE
    assert outcome.stdout.count("waiting for the database") == 1
    assert "\x1b" not in outcome.stdout
