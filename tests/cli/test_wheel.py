"""The wheel, installed into an empty environment and used from an empty folder: nothing of the checkout is near."""

import asyncio
import os
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import URL

from multi_tenant_db.development.ports import free_port
from tests.reliability.support.until import until
from tests.support.fresh_database import drop_database
from tests.support.mtdb import mtdb_process, settings_for
from tests.support.sources import ROOT
from tests.support.test_database import TestDatabase

pytestmark = pytest.mark.exhaustive

INSTALL = """
import sys
from pathlib import Path

sys.path.insert(0, "scripts")
import bootstrap

folder, wheel = map(Path, sys.argv[1:])
uv = bootstrap.find_uv()
bootstrap.run("Python", uv, "venv", "--no-project", "--python", sys.executable, folder)
bootstrap.run("The wheel", uv, "pip", "install", "--python", folder / "bin" / "python", "--no-deps", "--offline", wheel)
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it; the folder has a `%` in its name.

    Its dependencies are those installed here: a path in a .pth file adds the folder, but not the checkout, which is
    there by a .pth file of its own.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "100 %(x)s%2F"
    subprocess.run((sys.executable, "-c", INSTALL, environment, wheel), cwd=ROOT, check=True, capture_output=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    where = "import multi_tenant_db; print(multi_tenant_db.__file__)"
    found = subprocess.run(
        (environment / "bin" / "python", "-P", "-c", where), check=True, capture_output=True, text=True
    )
    assert found.stdout.startswith(str(packages))
    return environment / "bin" / "mtdb"


@pytest.fixture
async def unmade(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Name a database that does not exist yet."""
    url = server_url.set(database=f"tenancy_unmade_{uuid4().hex[:8]}")
    yield TestDatabase(url)
    await drop_database(url)


async def test_it_migrates_checks_and_serves(program: Path, unmade: TestDatabase, tmp_path: Path) -> None:
    """`mtdb migrate` makes the database, `mtdb check` trusts it, `mtdb serve` is healthy, and no file is left."""
    admin = unmade.admin_url.set(drivername="postgresql").render_as_string(hide_password=False)
    as_admin = settings_for(unmade, MTDB_DATABASE_URL=admin)
    migrated = await mtdb_process("migrate", env=as_admin, cwd=tmp_path, program=program)
    assert migrated.exit_code == 0, migrated.stderr
    assert migrated.stdout.endswith("the roles are current\nthe schema is current\n")

    checked = await mtdb_process("check", env=settings_for(unmade), cwd=tmp_path, program=program)
    assert (checked.exit_code, "safe: " in checked.stdout) == (0, True), checked.stderr

    port = free_port()
    service = await asyncio.create_subprocess_exec(
        *(program, "serve"),
        env={"PATH": os.environ["PATH"], **settings_for(unmade, MTDB_PORT=str(port))},
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
    )

    async def healthy() -> bool:
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient() as client:
                report = (await client.get(f"http://127.0.0.1:{port}/health")).json()
                return bool(report["status"] == "healthy")
        return False

    try:
        await until(healthy, "the service is healthy", 30)
    finally:
        service.terminate()
        assert await service.wait() == 0
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - pathlib's way is not for coroutines
