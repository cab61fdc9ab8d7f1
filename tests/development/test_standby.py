"""`mtdb postgres standby`: a standby of the development server, to try reads from one."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from multi_tenant_db.cli import postgres
from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.development.ports import free_port
from tests.reliability.support.until import until


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep the servers of the command in a folder of the test's own."""
    folder = Path(tempfile.mkdtemp(prefix="multi-tenant-db-", dir="/var/tmp"))
    folder.chmod(0o755)

    def for_development(*, label: str, port: int | None = None, release: str | None = None) -> EmbeddedPostgres:
        return EmbeddedPostgres(folder / label, port=port, release=release, durable=False)

    monkeypatch.setattr(EmbeddedPostgres, "for_development", for_development)
    yield folder
    for label in ("default", "standby"):
        for_development(label=label).kill()
    shutil.rmtree(folder, ignore_errors=True)


async def value(server: EmbeddedPostgres, query: str) -> object:
    """Ask a running server."""
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_a_standby_follows_the_server(home: Path) -> None:
    """It has the server's data and what is written later; a second call replaces it; the server keeps its port."""
    run = CliRunner().invoke
    ports = free_port(), free_port()
    refused = run(postgres.app, ["standby"])
    assert (refused.exit_code, "start it, then its standby" in refused.output) == (ExitCode.FAILED, True)
    assert run(postgres.app, ["start", "--port", str(ports[0])]).exit_code == 0
    primary, standby = (
        EmbeddedPostgres(home / "default", port=ports[0]),
        EmbeddedPostgres(home / "standby", port=ports[1]),
    )
    for number in range(2):
        done = run(postgres.app, ["standby", "--port", str(ports[1])])
        assert f"A standby of PostgreSQL is running on 127.0.0.1:{ports[1]}" in done.output
        await value(primary, f"CREATE TABLE written_{number} ()")

        async def is_there(name: str = f"written_{number}") -> bool:
            return await value(standby, f"SELECT to_regclass('{name}') IS NOT NULL") is True

        await until(is_there, "the standby has what was written")
        assert await value(standby, "SELECT pg_is_in_recovery()")
    stopped = run(postgres.app, ["stop", "--server", "standby"])
    assert stopped.output == "PostgreSQL (server standby) is stopped.\n"
    assert standby.pid is None
