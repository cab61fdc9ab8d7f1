"""The fixtures work in an adopter's own project, as the guide shows it."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import URL

from multi_tenant_db.schema import installation
from multi_tenant_db.testing.migrated_database import MigratedDatabase
from tests.support.sources import ROOT

GUIDE = ROOT / "docs" / "how-to" / "test-isolation.md"
PYTHON = re.compile(r"^```python\n# (\w+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("loops", ["function", pytest.param("session", marks=pytest.mark.exhaustive)])
async def test_the_guides_project_passes(tmp_path: Path, server_url: URL, loops: str) -> None:
    """The guide's files pass with a loop for each test and with one for the run, and leave no database."""
    for name, content in PYTHON.findall(GUIDE.read_text(encoding="utf-8")):
        (tmp_path / name).write_text(content)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))}
    environment = own | {
        "PYTHONPATH": str(ROOT),
        "MTDB_TEST_SERVER_URL": server_url.render_as_string(hide_password=False),
    }
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:rowstile", "--asyncio-mode=auto"]
    options += [f"--override-ini=asyncio_default_{kind}_loop_scope={loops}" for kind in ("fixture", "test")]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout

    admin = await MigratedDatabase(server_url.set(database=installation.MAINTENANCE_DATABASE)).connect_as_admin()
    left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'mtdb_isolation_%'"
    assert await admin.fetchval(left) == 0
    await admin.close()
