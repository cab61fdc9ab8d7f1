"""Backup and restore: by the guide's commands a database serves and isolates on another server as before."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import URL, make_url

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.development.postgres_releases import chosen_release
from tests.support.catalogue import describe
from tests.support.client_programs import WHERE_TO_GET_THEM, client_programs, release_for
from tests.support.extent import part
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import PROGRAM
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.served_process import served
from tests.support.sources import ROOT
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD, TestDatabase
from tests.support.tested_server import IS_OURS

CLIENT_PROGRAMS = client_programs()
RELEASE = release_for(CLIENT_PROGRAMS)
BACKUP_PASSWORD = "backup password of the tests"
KEY = {"Idempotency-Key": "opened-before-the-backup"}
GUIDE = ROOT / "docs" / "how-to" / "production.md"
DATABASE = "tenancy"
BESIDES = """
    SELECT format('%s in %s: %s', setrole::regrole, coalesce(datname, 'all'), setconfig)
    FROM pg_db_role_setting
    LEFT JOIN pg_database ON pg_database.oid = setdatabase
    WHERE setrole <> 0 OR datname = current_database()
    UNION ALL
    SELECT format('language %s: %s', lanname, lanacl) FROM pg_language
    UNION ALL
    SELECT format('schema %s: %s', nspname, nspacl) FROM pg_namespace WHERE nspname = 'public'
    UNION ALL
    SELECT format('catalogue %s.%s: %s', attrelid::regclass, attname, attacl)
    FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid < 16384
"""
"""What `describe` leaves out because it does not belong to the schema."""
CONTENTS = ("tenancy.tenants", "tenancy.tenant_events", "tenancy_private.access_tokens")

pytestmark = [pytest.mark.skipif(CLIENT_PROGRAMS is None, reason=WHERE_TO_GET_THEM), pytest.mark.exhaustive]


@dataclass(frozen=True)
class Bank:
    """A database in use, and who calls it."""

    database: TestDatabase
    hsbc: Organization
    barclays: Organization
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def server_url(server_url: URL) -> Iterator[URL]:
    """Name a server that pg_dump can dump."""
    if not IS_OURS or chosen_release() == RELEASE:
        yield server_url
        return
    with EmbeddedPostgres.temporary(release=RELEASE) as server:
        yield make_url(server.url())


@pytest.fixture
async def bank(server_url: URL) -> AsyncIterator[Bank]:
    """Fill a database through the service, and have one token revoked."""
    async with fresh_database(server_url) as database:
        operator = await database.connect_as_operator()
        registry = Registry(operator)
        hsbc = await registry.create_organization("HSBC")
        barclays = await registry.create_organization("Barclays")
        revoked = await registry.issue_token(hsbc.parent.tenant_id, hsbc.parent.tenant_id)
        await registry.revoke(revoked)
        tokens = {party.name: party.token for party in (*hsbc.parties, *barclays.parties)}
        tokens |= {"operator": await registry.issue_operator_token(), "revoked": revoked, "unknown": "mtdb_x"}
        await operator.close()
        yield Bank(database, hsbc, barclays, tokens)


async def answers(database: TestDatabase, bank: Bank) -> dict[str, tuple[int, object]]:
    """Return what every caller is answered, over HTTP, on the list and on each tenant."""
    tenants = [party.tenant_id for party in (*bank.hsbc.parties, *bank.barclays.parties)]
    seen: dict[str, tuple[int, object]] = {}
    with served(database) as service:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}", trust_env=False) as client:
            for name, token in bank.tokens.items():
                headers = {"Authorization": f"Bearer {token}"}
                for path in ("/tenants", *(f"/tenants/{tenant_id}" for tenant_id in tenants)):
                    answer = await client.get(path, headers=headers)
                    body = {key: value for key, value in answer.json().items() if key != "request_id"}
                    seen[f"{name}: {path}"] = (answer.status_code, body)
            opened = await client.post(
                "/tenants",
                headers=KEY | bank.hsbc.parent.headers,
                json={
                    "name": "HSBC Malta",
                    "tenant_type": "subsidiary",
                    "parent_tenant_id": str(bank.hsbc.parent.tenant_id),
                },
            )
            seen["opened"] = (opened.status_code, opened.json())
    return seen


async def contents(database: TestDatabase) -> list[str]:
    """Return every row of our tables as text, as the superuser sees them."""
    admin = await database.connect_as_admin()
    try:
        return [
            f"{table}: {row[0]}"
            for table in CONTENTS
            for row in await admin.fetch(f"SELECT row::text FROM {table} AS row ORDER BY 1")
        ]
    finally:
        await admin.close()


async def catalogue(database: TestDatabase) -> set[str]:
    """Return everything that the catalogue says of our objects, and of what is set for our roles and this database."""
    admin = await database.connect_as_admin()
    try:
        besides = [
            str(row[0]).replace(f"in {database.admin_url.database}:", "in it:") for row in await admin.fetch(BESIDES)
        ]
        return {*(await describe(admin)), *besides}
    finally:
        await admin.close()


async def shell(script: str, folder: Path, url: URL, **variables: str) -> str:
    """Run a block of the guide in a folder that has the checkout's scripts, with an administrator's access."""
    for name in ("scripts", "migrations", "alembic.ini"):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(ROOT / name)
    environment = {
        "PATH": f"{PROGRAM.parent}:{CLIENT_PROGRAMS}:{os.environ['PATH']}",
        "HOME": str(folder),
        "PGHOST": str(url.host),
        "PGPORT": str(url.port),
        "PGUSER": str(url.username),
        "PGPASSWORD": str(url.password),
        "ADMIN_URL": url.set(drivername="postgresql", database=DATABASE).render_as_string(hide_password=False),
        "MTDB_DATABASE_URL": f"postgresql://{url.host}:{url.port}/{DATABASE}",
        "MTDB_API_PASSWORD": API_PASSWORD,
        "MTDB_OPERATOR_PASSWORD": OPERATOR_PASSWORD,
        **variables,
    }
    process = await asyncio.create_subprocess_exec(
        "bash",
        *("-e", "-c", script),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


def block_of_the_guide(beginning: str) -> str:
    """Return the commands of the block that begins so."""
    found = re.search(rf"```sh\n({re.escape(beginning)}.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"the guide has no block that begins with {beginning}"
    return found[1]


async def make_backup(bank: Bank, folder: Path) -> Path:
    """Make the backup role and dump as it, as the guide says; the service's own role could not."""
    admin = await bank.database.connect_as_admin()
    url = bank.database.admin_url
    dump = folder / "tenancy.dump"
    where = f"postgresql://{{}}@{url.host}:{url.port}/{url.database}"
    command = f"pg_dump --format=custom --file='{dump}' "
    try:
        await admin.execute((ROOT / "scripts" / "create_backup_role.sql").read_text(encoding="utf-8"))
        await admin.execute(f"ALTER ROLE tenancy_backup PASSWORD '{BACKUP_PASSWORD}'")
        with pytest.raises(AssertionError, match=r"permission denied|row-level security"):
            await shell(command + where.format("tenancy_api"), folder, url, PGPASSWORD=API_PASSWORD)
        await shell(command + where.format("tenancy_backup"), folder, url, PGPASSWORD=BACKUP_PASSWORD)
    finally:
        await admin.execute("DROP OWNED BY tenancy_backup; DROP ROLE tenancy_backup")
        await admin.close()
    return dump


async def test_a_backup_restored_on_another_server_serves_as_before(bank: Bank, tmp_path: Path) -> None:
    """By the guide's commands: same catalogue, same rows, same answers to every caller, and the check finds it safe."""
    await answers(bank.database, bank)  # opens a subsidiary, whose answer is then remembered
    before = await answers(bank.database, bank)
    assert {answer[0] for answer in before.values()} == {200, 201, 401, 404}
    rows, objects = await contents(bank.database), await catalogue(bank.database)
    await make_backup(bank, tmp_path)

    with EmbeddedPostgres.temporary(release=RELEASE) as server:
        url = make_url(server.url())
        said = await shell(block_of_the_guide("createdb"), tmp_path, url)
        assert "safe: PostgreSQL" in said
        restored = TestDatabase(url.set(database=DATABASE))

        assert await catalogue(restored) == objects
        assert await contents(restored) == rows
        assert await answers(restored, bank) == before


@pytest.mark.parametrize("options", part(["--clean --if-exists", "--jobs=2"], 2))
async def test_other_ways_to_restore(bank: Bank, tmp_path: Path, options: str) -> None:
    """In parallel, and over a database that is there already, the result is the same."""
    objects = await catalogue(bank.database)
    dump = await make_backup(bank, tmp_path)
    url = bank.database.admin_url.set(database=f"{bank.database.admin_url.database}_again")
    restored = TestDatabase(url)
    variables = {"MTDB_DATABASE_URL": url.render_as_string(hide_password=False)}
    existing = "mtdb migrate\n" if "clean" in options else f"createdb --template=template0 {url.database}\n"
    restore = f"pg_restore --exit-on-error {options} --dbname={url.database} '{dump}'\nmtdb migrate\n"
    try:
        await shell(existing + restore, tmp_path, url, **variables)
        assert await catalogue(restored) == objects
    finally:
        admin = await bank.database.connect_as_admin()
        await admin.execute(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)')
        await admin.close()
