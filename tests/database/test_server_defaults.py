"""Whatever defaults a server, a database or a role has, the service answers the same, or reports what is wrong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import zip_longest
from uuid import uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import URL, make_url

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development import EmbeddedPostgres
from tests.support.extent import part
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import mtdb, settings_for
from tests.support.organization import Organization
from tests.support.own_service import own_service
from tests.support.registry import Registry
from tests.support.requests import create, delete, new_subsidiary, replace
from tests.support.test_database import TestDatabase

SETTABLE = """
    SELECT name, vartype, setting, min_val, max_val, enumvals
    FROM pg_settings
    WHERE context IN ('user', 'superuser')
      AND name NOT LIKE 'transaction_%'
    ORDER BY name
"""
"""Every setting that a database or a role may have a default for."""

TEXTS = {
    "DateStyle": ["German, DMY", "SQL, MDY"],
    "IntervalStyle": ["sql_standard"],
    "TimeZone": ["Asia/Kolkata", "America/St_Johns"],
    "bytea_output": ["escape"],
    "client_encoding": ["LATIN1"],
    "lc_messages": ["C"],
    "search_path": ["nowhere", '"$user", public'],
}
"""Hostile values of settings without a list of values."""

TOLD = {"default_transaction_read_only", "row_security"}
"""Settings that the service does not override; other tests show that it reports them."""


def hostile_values(setting: asyncpg.Record) -> list[str]:
    """Return every value that is not the usual one: of numbers the least and the greatest."""
    name, kind, usual = setting["name"], setting["vartype"], setting["setting"]
    match kind:
        case "bool":
            return ["off" if usual == "on" else "on"]
        case "enum":
            return [value for value in setting["enumvals"] if value != usual]
        case "integer" | "real":
            return [value for value in (setting["min_val"], setting["max_val"]) if value != usual]
    return TEXTS.get(name, [])


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


async def answers(client: httpx.AsyncClient, bank: Organization) -> list[object]:
    """Use every endpoint; return what must not depend on a server's defaults."""
    parent = bank.parent
    created = await create(client, parent, new_subsidiary(parent), Idempotency_Key=f"key-{uuid4()}")
    tenant = created.json()
    path = tenant.get("tenant_id", parent.tenant_id)
    read = await client.get(f"/tenants/{path}", headers=parent.headers)
    replaced = await replace(client, parent, path, f"Renamed {path}")
    listed = await client.get("/tenants", headers=parent.headers)
    seen_by_one = await client.get("/tenants", headers=bank.subsidiaries[0].headers)
    deleted = await delete(client, parent, path)
    health = await client.get("/health")
    times = [created.json().get("created_at"), replaced.json().get("created_at"), replaced.json().get("updated_at")]
    return [
        [answer.status_code for answer in (created, read, replaced, listed, seen_by_one, deleted, health)],
        read.json() == tenant,
        [str(time)[-1:] for time in times],
        [len(page.json().get("items", [])) for page in (listed, seen_by_one)],
        health.json(),
    ]


async def answers_of_a_new_service(own: TestDatabase, bank: Organization) -> list[object]:
    """Connect anew, so that the defaults of this moment hold."""
    async with own_service(own.settings(pool_size=1)) as (_, client):
        return await answers(client, bank)


@asynccontextmanager
async def defaults(own: TestDatabase, values: dict[str, str]) -> AsyncIterator[None]:
    """Set defaults where they beat those of the server, the database and the role: for the role in the database."""
    where = f'ALTER ROLE tenancy_api IN DATABASE "{own.admin_url.database}"'
    admin = await own.connect_as_admin()
    try:
        for name, value in values.items():
            with suppress(asyncpg.InvalidParameterValueError):  # more than this machine can give
                await admin.execute(f"{where} SET {name} = '{value}'")
        yield
    finally:
        await admin.execute(f"{where} RESET ALL")
        await admin.close()


@pytest.mark.exhaustive
async def test_no_default_changes_an_answer(own: TestDatabase, bank: Organization) -> None:
    """Every setting of the catalogue takes each of its hostile values, all settings at once."""
    admin = await own.connect_as_admin()
    settings = [setting for setting in await admin.fetch(SETTABLE) if setting["name"] not in TOLD]
    await admin.close()
    hostile = {setting["name"]: hostile_values(setting) for setting in settings}
    usual = await answers_of_a_new_service(own, bank)
    assert usual[0] == [201, 200, 200, 200, 200, 204, 200]

    for values in zip_longest(*hostile.values()):
        chosen = {name: value for name, value in zip(hostile, values, strict=True) if value is not None}
        async with defaults(own, chosen):
            assert await answers_of_a_new_service(own, bank) == usual, chosen


async def test_a_read_only_default_is_reported(own: TestDatabase, bank: Organization) -> None:
    """Where writes are off by default, they are 503, reads are served, and health says why."""
    async with defaults(own, {"default_transaction_read_only": "on"}):
        statuses, *_, health = await answers_of_a_new_service(own, bank)
    assert statuses == [503, 200, 503, 200, 200, 503, 200]
    assert isinstance(health, dict)
    assert health["database"] == "read_only"


async def test_row_security_off_is_reported(own: TestDatabase, bank: Organization) -> None:
    """With row_security off, PostgreSQL refuses every statement, and the service refuses to start."""
    async with defaults(own, {"row_security": "off"}):
        statuses, *_ = await answers_of_a_new_service(own, bank)
        checked = await mtdb("check", env=settings_for(own))
    assert isinstance(statuses, list)
    assert 200 not in statuses[:-1]
    assert checked.exit_code == ExitCode.FAILED
    assert "row_security" in checked.stderr


async def test_quotes_around_every_name_break_no_rule(own: TestDatabase) -> None:
    """The check reads names as they are, however the role's defaults have the server print them."""
    usual = await mtdb("check", "--json", env=settings_for(own))
    async with defaults(own, {"quote_all_identifiers": "on"}):
        quoted = await mtdb("check", "--json", env=settings_for(own))
    assert quoted.exit_code == 0
    assert quoted.json == usual.json


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "settings",
    part(
        [
            {"default_transaction_isolation": "serializable", "default_transaction_deferrable": "on"},
            {"default_transaction_isolation": "repeatable read"},
            {"row_security": "off"},
        ],
        2,
    ),
    ids=str,
)
async def test_a_server_wide_default(settings: dict[str, str]) -> None:
    """Defaults in the server's configuration change nothing, from the first migration on."""
    with EmbeddedPostgres.temporary(settings=settings) as server:
        async with fresh_database(make_url(server.url())) as own:
            issued = await mtdb("token", "issue", "--platform-operator", "--label", "x", env=settings_for(own))
            async with own_service(own.settings()) as (_, client):
                headers = {"Authorization": f"Bearer {issued.stdout.strip()}"}
                created = await client.post("/tenants", json={"name": "HSBC", "tenant_type": "parent"}, headers=headers)
                listed = await client.get("/tenants", headers=headers)
            checked = await mtdb("check", env=settings_for(own))
    assert (created.status_code, listed.status_code, len(listed.json()["items"])) == (201, 200, 1)
    assert checked.exit_code == 0
