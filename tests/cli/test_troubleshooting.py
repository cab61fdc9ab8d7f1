"""The troubleshooting guide: each failure that it lists is produced, and says what the guide says that it says."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest

from multi_tenant_db.development.ports import free_port
from tests.support.migrations import migrate, roll_back
from tests.support.mtdb import mtdb, settings_for
from tests.support.organization import Organization
from tests.support.own_service import own_service
from tests.support.registry import Registry
from tests.support.sources import ROOT
from tests.support.test_database import API_PASSWORD, TestDatabase

pytestmark = pytest.mark.exhaustive

GUIDE = (ROOT / "docs" / "how-to" / "troubleshooting.md").read_text(encoding="utf-8")
NOBODY = "019a9f3e-7a10-7c52-b2aa-0d1f5c7e9b44"


def listed(section: str, fence: str) -> set[str]:
    """Return the first cells of a section's table."""
    text = GUIDE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return {cell.strip() for cell in re.findall(rf"^\| {fence}(.*?){fence} \|", text, re.MULTILINE)}


def fits(message: str, output: str) -> bool:
    """Tell whether some line of the output is the message, with something for each ellipsis."""
    pattern = ".+".join(map(re.escape, message.split("…")))
    return any(re.fullmatch(f"(?:mtdb|danger): {pattern}", line) for line in output.splitlines())


def has_a_resolver() -> bool:
    """Tell whether somebody here can say that a name does not exist."""
    try:
        socket.getaddrinfo("nowhere.invalid", 5432)
    except socket.gaierror as error:
        return error.errno == socket.EAI_NONAME
    return False


@asynccontextmanager
async def altered(database: TestDatabase, alter: str, undo: str) -> AsyncIterator[None]:
    """Break the database, and mend it."""
    admin = await database.connect_as_admin()
    await admin.execute(alter)
    yield
    await admin.execute(undo)
    await admin.close()


async def test_each_failure_of_a_command_says_what_the_guide_says(own: TestDatabase) -> None:
    """Every message in the guide's first table is produced by its failure, and by nothing but that table's commands."""
    admin = own.admin_url.render_as_string(hide_password=False)
    where = settings_for(own)["MTDB_DATABASE_URL"]
    server = where.rsplit("/", 1)[0]
    as_api = own.admin_url.set(username="tenancy_api", password=API_PASSWORD).render_as_string(hide_password=False)
    said: list[str] = []

    async def fail(*arguments: str, **changes: str) -> None:
        outcome = await mtdb(*arguments, env=settings_for(own, **changes))
        assert outcome.exit_code, arguments
        assert "Traceback" not in outcome.stderr
        said.append(outcome.stderr)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        await fail("serve", MTDB_PORT=port, MTDB_LOG_LEVEL="error")
        await fail("serve", MTDB_PORT=str(free_port()), MTDB_METRICS_PORT=port, MTDB_LOG_LEVEL="error")
    await fail("check", MTDB_DATABASE_URL=f"postgresql://127.0.0.1:{free_port()}/tenancy")
    if has_a_resolver():
        await fail("check", MTDB_DATABASE_URL="postgresql://nowhere.invalid/tenancy")
    await fail("check", MTDB_DATABASE_URL=f"{server}/absent")
    await fail("check", MTDB_API_PASSWORD="wrong")
    await fail("check", PGSSLMODE="require")
    await fail("check", MTDB_DATABASE_URL=f"{where}?sslmode=require")
    await fail("check", MTDB_DATABASE_URL="")
    await fail("serve", MTDB_PORT="70000")
    await fail("check", MTDB_DATABASE_URL=admin)
    await fail("migrate")
    await fail("token", "list", MTDB_DATABASE_URL=as_api)
    await fail("token", "issue", "Nobody's Bank")
    await fail("token", "revoke", NOBODY)
    await fail("migrate", "--to", "nowhere", MTDB_DATABASE_URL=admin)
    async with altered(own, "ALTER ROLE tenancy_api CONNECTION LIMIT 0", "ALTER ROLE tenancy_api CONNECTION LIMIT -1"):
        await fail("check")
    async with altered(own, "ALTER ROLE tenancy_api BYPASSRLS", "ALTER ROLE tenancy_api NOBYPASSRLS"):
        await fail("check")
    off, on = (f"ALTER TABLE tenancy.tenants {how} ROW LEVEL SECURITY" for how in ("NO FORCE", "FORCE"))
    async with altered(own, off, on):
        await fail("check")
    await asyncio.to_thread(roll_back, own.admin_url, "isolate_tenants")
    await fail("check")
    await asyncio.to_thread(migrate, own.admin_url)

    messages = listed("A command fails, or the service does not start", "``")
    messages -= set() if has_a_resolver() else {message for message in messages if "not known" in message}
    assert [message for message in messages if not any(fits(message, output) for output in said)] == []
    assert [output for output in said if not any(fits(message, output) for message in messages)] == []


async def test_each_refusal_of_the_api_is_in_the_guide(
    database: TestDatabase, client: httpx.AsyncClient, registry: Registry, hsbc: Organization, barclays: Organization
) -> None:
    """Every answer in the guide's second table is produced by what the guide says causes it."""
    parent, subsidiary = hsbc.parent, hsbc.subsidiaries[0]
    path = f"/tenants/{parent.tenant_id}"
    new = {"name": subsidiary.name, "tenant_type": "subsidiary", "parent_tenant_id": str(parent.tenant_id)}
    revoked = await registry.issue_token(parent.tenant_id, parent.tenant_id)
    await registry.revoke(revoked)
    json_as_text = {"Content-Type": "text/plain"} | parent.headers
    answers = [
        await client.get(path, headers={"Authorization": f"Bearer {revoked}"}),
        await client.get(f"/tenants/{barclays.parent.tenant_id}", headers=parent.headers),
        await client.post("/tenants", headers=subsidiary.headers, json=new | {"name": str(uuid4())}),
        await client.post("/tenants", headers=parent.headers, json=new),
        await client.put(path, headers=parent.headers | {"If-Match": '"7"'}, json={"name": "HSBC", "metadata": {}}),
        await client.post("/tenants", headers=json_as_text, content="{}"),
    ]
    reader = await registry.issue_token(parent.tenant_id, parent.tenant_id, may_write=False)
    reading = {"Authorization": f"Bearer {reader}"}
    answers.append(await client.put(path, headers=reading, json={"name": "HSBC", "metadata": {}}))
    await registry.set_quota(parent.tenant_id, len(hsbc.subsidiaries))
    answers.append(await client.post("/tenants", headers=parent.headers, json=new | {"name": str(uuid4())}))
    await registry.remove_quota(parent.tenant_id)
    operator = {"Authorization": f"Bearer {await registry.issue_operator_token()}"}
    answers.append(await client.delete(path, headers=operator))
    async with own_service(database.settings(max_concurrent_requests=1)) as (_app, busy):
        answers += await asyncio.gather(*(busy.get("/tenants", headers=parent.headers) for _ in range(2)))
    async with own_service(database.settings(max_organization_requests_per_second=1)) as (_app, limited):
        answers += [await limited.get("/tenants", headers=parent.headers) for _ in range(3)]
    nowhere = f"postgresql://127.0.0.1:{free_port()}/tenancy"
    async with own_service(database.settings(database_url=nowhere)) as (_app, cut_off):
        answers.append(await cut_off.get("/tenants", headers=parent.headers))

    said = {f"{answer.status_code} {answer.json()['code']}" for answer in answers if answer.is_error}
    assert said == listed("The API returns an error", "`")


async def test_a_service_outlives_a_newer_schema(own: TestDatabase) -> None:
    """Migrated under its feet, a service goes on answering, and says in its health that it is to be replaced."""
    operator = await own.connect_as_operator()
    bank = await Registry(operator).create_organization()
    await operator.close()
    (current,) = re.findall(r'= "(\w+)"', (ROOT / "src/multi_tenant_db/schema/schema_revision.py").read_text())
    ahead, back = (f"UPDATE public.alembic_version SET version_num = '{name}'" for name in ("newer", current))
    async with own_service(own.settings()) as (_app, client), altered(own, ahead, back):
        assert (await client.get("/tenants", headers=bank.parent.headers)).status_code == 200
        health = await client.get("/health")
    assert (health.status_code, health.json()["schema_revision"]) == (503, "mismatch")
