"""`mtdb serve`: refuses what is unsafe in a line, serves what is safe, and stops when asked."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development.ports import free_port
from tests.support.migrations import roll_back
from tests.support.mtdb import PROGRAM, mtdb, settings_for
from tests.support.organization import Organization
from tests.support.test_database import TestDatabase


async def healthy(url: str, process: asyncio.subprocess.Process) -> httpx.Response:
    """Wait for the service's first answer."""
    async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(90):
        while True:
            assert process.returncode is None, "the service ended"
            try:
                return await client.get("/health")
            except httpx.TransportError:
                await asyncio.sleep(0.05)


@pytest.mark.exhaustive
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_the_service_serves_and_stops(
    database: TestDatabase, hsbc: Organization, tmp_path: Path, how: signal.Signals
) -> None:
    """The installed program answers with the database's data from whatever folder, and ends soon when asked."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "serve",
        env={"PATH": os.environ["PATH"], **settings_for(database, MTDB_PORT=str(port), MTDB_LOG_FORMAT="json")},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        health = await healthy(f"http://127.0.0.1:{port}", process)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=hsbc.parent.headers) as client:
            page = (await client.get("/tenants")).json()
        process.send_signal(how)
        async with asyncio.timeout(30):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert health.json()["status"] == "healthy"
    assert [item["tenant_id"] for item in page["items"]] == [str(party.tenant_id) for party in hsbc.parties]
    assert process.returncode in {0, -how, 128 + how}
    assert b"Traceback" not in out + err
    assert hsbc.parent.token.encode() not in out + err


async def test_a_superuser_is_refused(database: TestDatabase) -> None:
    """Each danger is a line, exit code 1, and nobody ever listens."""
    port = free_port()
    admin = database.admin_url.render_as_string(hide_password=False)
    outcome = await mtdb("serve", env=settings_for(database, MTDB_DATABASE_URL=admin, MTDB_PORT=str(port)))

    assert (outcome.exit_code, outcome.stdout) == (ExitCode.FAILED, "")
    assert all(line.startswith("mtdb: ") for line in outcome.stderr.splitlines())
    assert "is a superuser" in outcome.stderr


async def test_a_schema_behind_is_refused(own: TestDatabase) -> None:
    """One migration short, the service does not start."""
    await asyncio.to_thread(roll_back, own.admin_url, "isolate_tenants")
    outcome = await mtdb("serve", env=settings_for(own))

    assert outcome.exit_code == ExitCode.FAILED
    assert "schema-revision" in outcome.stderr
    assert "mtdb migrate" in outcome.stderr


async def test_a_taken_port_is_one_line(database: TestDatabase) -> None:
    """Where somebody listens already, the line names address and settings, and the exit code is not `no database`."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = await mtdb("serve", env=settings_for(database, MTDB_PORT=port, MTDB_LOG_LEVEL="error"))

    assert outcome.exit_code == ExitCode.FAILED
    assert f"cannot listen on 127.0.0.1:{port}" in outcome.complaint
    assert "MTDB_PORT" in outcome.complaint


async def test_an_unknown_host_is_one_line(database: TestDatabase) -> None:
    """An address that is not this machine's is refused the same way."""
    outcome = await mtdb("serve", env=settings_for(database, MTDB_HOST="nowhere.invalid", MTDB_LOG_LEVEL="error"))

    assert outcome.exit_code == ExitCode.FAILED
    assert "cannot listen on nowhere.invalid:8000" in outcome.complaint


@pytest.mark.parametrize(
    ("changes", "exit_code"),
    [
        ({"MTDB_PORT": "70000"}, ExitCode.USAGE),
        ({"MTDB_WORKERS": "0"}, ExitCode.USAGE),
        ({"MTDB_LOG_LEVEL": "loud"}, ExitCode.USAGE),
        ({"MTDB_DATABASE_URL": ""}, ExitCode.USAGE),
        ({"MTDB_DATABASE_URL": "mysql://127.0.0.1/tenancy"}, ExitCode.USAGE),
        ({"MTDB_API_PASSWORD": "wrong"}, ExitCode.NO_DATABASE),
        ({"MTDB_DATABASE_URL": f"postgresql://127.0.0.1:{free_port()}/tenancy"}, ExitCode.NO_DATABASE),
    ],
)
async def test_a_mistake_is_one_line(database: TestDatabase, changes: dict[str, str], exit_code: ExitCode) -> None:
    """A wrong setting or an unreachable database ends at once, in one line."""
    outcome = await mtdb("serve", env=settings_for(database, **changes))

    assert outcome.exit_code == exit_code
    assert all(name in outcome.complaint for name in changes if exit_code is ExitCode.USAGE)
