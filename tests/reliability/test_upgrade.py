"""An upgrade without downtime: the migration that the guide shows runs under a service that was made before it."""

import asyncio
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import URL

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.schema.schema_revision import REQUIRED_SCHEMA_REVISION
from tests.support.fresh_database import fresh_database
from tests.support.migrations import environment
from tests.support.mtdb import mtdb, settings_for
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.requests import new_subsidiary
from tests.support.served_process import served
from tests.support.sources import ROOT
from tests.support.test_database import TestDatabase

pytestmark = pytest.mark.exhaustive

GUIDE = (ROOT / "docs" / "how-to" / "production.md").read_text(encoding="utf-8")
(SHOWN,) = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
(BEFORE,) = re.findall(r'^down_revision = "(\w+)"$', SHOWN, re.MULTILINE)
MIGRATION = SHOWN.replace(BEFORE, REQUIRED_SCHEMA_REVISION)
"""The migration that the guide shows, after the newest one; a fork may have added some."""
SECONDS_TO_SEE_IT = 60


@pytest.fixture
async def own(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give a migrated database of the test's own."""
    async with fresh_database(server_url) as database:
        yield database


@pytest.fixture
async def bank(own: TestDatabase) -> Organization:
    """Make an organisation in it."""
    operator = await own.connect_as_operator()
    try:
        return await Registry(operator).create_organization()
    finally:
        await operator.close()


def move(database: TestDatabase, folder: Path, step: Callable[[Config, str], None], revision: str) -> None:
    """Upgrade or downgrade with the migrations of the project and those of a folder."""
    config = Config("alembic.ini")
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(("migrations/versions", str(folder))))
    with environment(database.admin_url):
        step(config, revision)


async def use(url: str, bank: Organization, until: asyncio.Event, seen: Counter[str]) -> None:
    """Create, list and look at the health until told to stop; count the answers."""
    async with httpx.AsyncClient(base_url=url, headers=bank.parent.headers, timeout=30) as client:
        while not until.is_set():
            created = await client.post("/tenants", json=new_subsidiary(bank.parent))
            listed = await client.get("/tenants")
            health = await client.get("/health")
            seen.update((f"POST {created.status_code}", f"GET {listed.status_code}"))
            seen[f"health {health.status_code} {health.json()['schema_revision']}"] += 1


async def wait_for(answer: str, seen: Counter[str]) -> None:
    """Return once the users have met the answer."""
    for _ in range(SECONDS_TO_SEE_IT * 20):
        if seen[answer]:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"nobody met `{answer}`, but {seen}")


async def test_the_version_before_serves_through_the_upgrade(
    own: TestDatabase, bank: Organization, tmp_path: Path
) -> None:
    """Under the migration every request is answered, the health stays 200, and instances of that version may start."""
    (tmp_path / "add_note.py").write_text(MIGRATION, encoding="utf-8")
    stop = asyncio.Event()
    seen: Counter[str] = Counter()
    with served(own) as old:
        users = [asyncio.create_task(use(f"http://127.0.0.1:{old.port}", bank, stop, seen)) for _ in range(4)]
        await wait_for("health 200 current", seen)
        await asyncio.to_thread(move, own, tmp_path, command.upgrade, "add_note")
        await wait_for("health 200 compatible", seen)
        with served(own):  # healthy, or this fails
            checked = await mtdb("check", env=settings_for(own))
        stop.set()
        await asyncio.gather(*users)

    assert {*seen} == {"POST 201", "GET 200", "health 200 current", "health 200 compatible"}
    assert checked.exit_code == 0
    assert "warning: schema-newer: the schema is at revision add_note" in checked.stdout
    assert "schema newer and compatible" in checked.stdout

    await asyncio.to_thread(move, own, tmp_path, command.downgrade, "-1")
    assert "schema current" in (await mtdb("check", env=settings_for(own))).stdout


async def test_a_compatible_schema_excuses_no_breach(own: TestDatabase, tmp_path: Path) -> None:
    """A declaration does not vouch for policies: one that is not as this version knows it is refused as ever."""
    (tmp_path / "add_note.py").write_text(MIGRATION, encoding="utf-8")
    await asyncio.to_thread(move, own, tmp_path, command.upgrade, "add_note")
    admin = await own.connect_as_admin()
    await admin.execute("CREATE POLICY everybody ON tenancy.tenants FOR SELECT TO tenancy_api USING (true)")
    await admin.close()
    outcome = await mtdb("check", env=settings_for(own))

    assert outcome.exit_code == ExitCode.FAILED
    assert outcome.stderr.startswith("danger: policy-unexpected: ")
