"""Backups: pg_dump under forced row level security, and a database restored from it that serves and isolates."""

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import URL

from multi_tenant_db.database import installation
from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.database.safety_check import check_database
from multi_tenant_db.database.tenant_session import tenant_session
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from tests.support.organization import Organization
from tests.support.sources import ROOT
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD, TestDatabase

PG_DUMP = shutil.which("pg_dump")
BACKUP_PASSWORD = "backup password of the tests"


def dumps_version_17() -> bool:
    """Tell whether this machine's pg_dump is new enough: it refuses a server newer than itself."""
    if PG_DUMP is None:
        return False
    said = subprocess.run([PG_DUMP, "--version"], capture_output=True, text=True, check=True).stdout
    return int((re.findall(r"\d+", said) or ["0"])[0]) >= 17


pytestmark = pytest.mark.skipif(not dumps_version_17(), reason="needs pg_dump and pg_restore 17 or newer on PATH")


async def run(program: str, url: URL, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of PostgreSQL on a database."""
    where = f"postgresql://{url.username}@{url.host}:{url.port}/{url.database}"
    command = [program, "--dbname", where, *arguments]
    environment = os.environ | {"PGPASSWORD": str(url.password)}
    return await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )


async def test_a_backup_is_whole_and_its_restored_database_isolates(
    database: TestDatabase, hsbc: Organization, barclays: Organization, tmp_path: Path
) -> None:
    """The backup role dumps every row, which the service's cannot; restored, tokens work and see only their own."""
    admin = await database.connect_as_admin()
    await admin.execute("SELECT set_config('mtdb.backup_password', $1, false)", BACKUP_PASSWORD)
    script = await asyncio.to_thread((ROOT / "scripts" / "create_backup_role.sql").read_text)
    await admin.execute(script)
    everybody = await admin.fetchval("SELECT count(*) FROM tenancy.tenants")
    as_api = database.admin_url.set(username="tenancy_api", password=API_PASSWORD)
    as_backup = database.admin_url.set(username="tenancy_backup", password=BACKUP_PASSWORD)
    dump = str(tmp_path / "tenancy.dump")
    try:
        refused = await run("pg_dump", as_api, "--format=custom", "--file", dump, "--table=tenancy.tenants")
        assert refused.returncode
        dumped = await run("pg_dump", as_backup, "--format=custom", "--file", dump)
        assert dumped.returncode == 0, dumped.stderr
    finally:
        await admin.execute("DROP OWNED BY tenancy_backup")
        await admin.execute("DROP ROLE tenancy_backup")

    restored = TestDatabase(database.admin_url.set(database=f"{database.admin_url.database}_restored"))
    await installation.create_database(restored.admin_url)
    passwords = {"api_password": API_PASSWORD, "operator_password": OPERATOR_PASSWORD}
    await installation.create_roles(restored.admin_url, **passwords)
    done = await run("pg_restore", restored.admin_url, "--exit-on-error", "--single-transaction", dump)
    assert done.returncode == 0, done.stderr
    await installation.create_roles(restored.admin_url, **passwords)
    there = await restored.connect_as_admin()
    assert await there.fetchval("SELECT count(*) FROM tenancy.tenants") == everybody
    await there.close()
    engine = create_engine(service_url(restored.settings()), restored.settings())
    assert (await check_database(engine)).dangers == []
    async with tenant_session(engine, hsbc.parent.token) as (session, _caller):
        tenants = TenantRepository(session)
        assert await tenants.find(hsbc.subsidiaries[0].tenant_id) is not None
        assert await tenants.find(barclays.parent.tenant_id) is None
    await engine.dispose()
    await admin.execute(f'DROP DATABASE "{restored.admin_url.database}"')
    await admin.close()
