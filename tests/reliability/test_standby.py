"""Two servers, a primary and its hot standby: reads from either, writes where they are taken, and no silent host."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import asyncpg
import httpx
import pytest

from multi_tenant_db.development import EmbeddedPostgres
from tests.reliability.support.until import until
from tests.support.migrated_server import migrated
from tests.support.organization import Organization
from tests.support.own_service import own_service
from tests.support.problems import assert_problem
from tests.support.registry import Registry
from tests.support.requests import new_subsidiary
from tests.support.standby import primary_and_standby
from tests.support.test_database import TestDatabase

pytestmark = pytest.mark.exhaustive

SECONDS_TO_REPLICATE = 10
SECONDS_TO_ANSWER = 15
"""What an operator may expect although one of the hosts is silent."""


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[EmbeddedPostgres, EmbeddedPostgres]]:
    """Start both."""
    with primary_and_standby() as both:
        yield both


@pytest.fixture(scope="module")
async def primary(servers: tuple[EmbeddedPostgres, EmbeddedPostgres]) -> TestDatabase:
    """Make a migrated database on the primary."""
    return await migrated(servers[0])


@pytest.fixture(scope="module")
def standby(servers: tuple[EmbeddedPostgres, EmbeddedPostgres], primary: TestDatabase) -> TestDatabase:
    """Name the same database on the standby."""
    return TestDatabase(primary.admin_url.set(port=servers[1].port))


@pytest.fixture(scope="module")
async def bank(primary: TestDatabase, standby: TestDatabase) -> Organization:
    """Make an organisation on the primary, and wait until the standby has it."""
    operator = await primary.connect_as_operator()
    bank = await Registry(operator).create_organization()
    await operator.close()
    wanted = "SELECT count(*) FROM tenancy.tenants WHERE organization_id = $1"

    async def it_is_there() -> bool:
        try:
            admin = await standby.connect_as_admin()
        except asyncpg.PostgresError:
            return False
        try:
            return bool(await admin.fetchval(wanted, bank.parent.tenant_id) == len(bank.parties))
        finally:
            await admin.close()

    await until(it_is_there, "the standby has the organisation", SECONDS_TO_REPLICATE)
    return bank


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Listen, accept, and never say a word: what a frozen machine looks like."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent.getsockname()[1]


def hosts(*databases: TestDatabase | int, attributes: str) -> str:
    """Write a URL of several hosts, in order."""
    ports = [database if isinstance(database, int) else database.admin_url.port for database in databases]
    listed = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"postgresql://{listed}/tenancy?target_session_attrs={attributes}"


@pytest.fixture
async def reader(standby: TestDatabase) -> AsyncIterator[httpx.AsyncClient]:
    """Run a service on the standby alone."""
    async with own_service(standby.settings(pool_size=1)) as (_, client):
        yield client


async def post(client: httpx.AsyncClient, bank: Organization) -> httpx.Response:
    """Create a subsidiary."""
    return await client.post("/tenants", json=new_subsidiary(bank.parent), headers=bank.parent.headers)


async def test_a_standby_serves_reads_and_says_that_it_takes_no_writes(
    reader: httpx.AsyncClient, bank: Organization
) -> None:
    """GET is 200, a write is 503 with Retry-After, and health names the reason without being ill."""
    for _ in range(2):  # a refused write must not spoil the next read
        answer = await reader.get("/tenants", headers=bank.parent.headers)
        assert (answer.status_code, len(answer.json()["items"])) == (200, len(bank.parties))
        refused = await post(reader, bank)
        assert_problem(refused, 503, "database_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        keyed = bank.parent.headers | {"Idempotency-Key": "a-key"}
        again = await reader.post("/tenants", json=new_subsidiary(bank.parent), headers=keyed)
        assert_problem(again, 503, "database_unavailable")

    health = await reader.get("/health")
    assert (health.status_code, health.json()["database"]) == (200, "read_only")


@pytest.mark.parametrize("first", [True, False], ids=["first", "second"])
async def test_a_silent_host_keeps_nobody_waiting(
    primary: TestDatabase, bank: Organization, silent_port: int, first: bool
) -> None:
    """Wherever in the URL a host stands that does not answer, the primary is found within the connect timeout."""
    named = (silent_port, primary) if first else (primary, silent_port)
    settings = primary.settings(database_url=hosts(*named, attributes="primary"), connect_timeout_seconds=5)
    async with own_service(settings) as (_, client), asyncio.timeout(SECONDS_TO_ANSWER):
        assert (await post(client, bank)).status_code == 201


@pytest.mark.parametrize(
    ("attributes", "where"),
    [
        ("primary", "connected"),
        ("read-write", "connected"),
        ("standby", "read_only"),
        ("read-only", "read_only"),
        ("prefer-standby", "read_only"),
    ],
)
async def test_the_url_says_which_server(
    primary: TestDatabase, standby: TestDatabase, silent_port: int, attributes: str, where: str
) -> None:
    """Of three hosts, one of them silent, the one of the wanted kind is taken."""
    url = hosts(silent_port, primary, standby, attributes=attributes)
    async with own_service(primary.settings(database_url=url)) as (_, client), asyncio.timeout(SECONDS_TO_ANSWER):
        assert (await client.get("/health")).json()["database"] == where


async def test_without_a_standby_the_primary_is_preferred_to_nothing(primary: TestDatabase, silent_port: int) -> None:
    """`prefer-standby` takes what there is."""
    url = hosts(silent_port, primary, attributes="prefer-standby")
    settings = primary.settings(database_url=url, connect_timeout_seconds=1)
    async with own_service(settings) as (_, client), asyncio.timeout(SECONDS_TO_ANSWER):
        assert (await client.get("/health")).json()["database"] == "connected"


async def test_none_of_the_wanted_kind_is_unavailable(standby: TestDatabase, bank: Organization) -> None:
    """Where every host is a standby and a primary is wanted, requests are 503 and health says why."""
    url = hosts(standby, standby, attributes="primary")
    async with own_service(standby.settings(database_url=url)) as (_, client):
        assert_problem(await client.get("/tenants", headers=bank.parent.headers), 503, "database_unavailable")
        health = await client.get("/health")
        assert (health.status_code, health.json()["database"]) == (503, "no_fitting_server")


async def test_a_server_that_turns_read_only_is_left(primary: TestDatabase, bank: Organization) -> None:
    """A pooled connection notices: writes are 503 while no server takes them, and 201 right after."""
    admin = await primary.connect_as_admin()
    async with own_service(primary.settings(pool_size=1)) as (_, client):
        assert (await post(client, bank)).status_code == 201
        await admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        await admin.execute("SELECT pg_reload_conf()")
        try:

            async def refused() -> bool:
                return (await post(client, bank)).status_code == 503

            await until(refused, "writes are refused", 5)
            assert (await client.get("/tenants", headers=bank.parent.headers)).status_code == 200
            assert (await client.get("/health")).json()["database"] == "read_only"
        finally:
            await admin.execute("SET default_transaction_read_only = off")
            await admin.execute("ALTER SYSTEM RESET default_transaction_read_only")
            await admin.execute("SELECT pg_reload_conf()")
            await admin.close()

        async def accepted() -> bool:
            return (await post(client, bank)).status_code == 201

        await until(accepted, "writes are taken again", 5)


async def test_the_standby_is_promoted_under_a_service(
    servers: tuple[EmbeddedPostgres, EmbeddedPostgres], primary: TestDatabase, standby: TestDatabase, bank: Organization
) -> None:
    """The primary is killed, the standby promoted: the same service writes again, without a restart. Comes last."""
    url = hosts(primary, standby, attributes="primary")
    async with own_service(primary.settings(database_url=url, connect_timeout_seconds=2)) as (_, client):
        assert (await post(client, bank)).status_code == 201
        servers[0].kill()
        admin = await standby.connect_as_admin()
        assert await admin.fetchval("SELECT pg_promote()")
        await admin.close()

        async def accepted() -> bool:
            return (await post(client, bank)).status_code == 201

        await until(accepted, "the new primary takes writes", SECONDS_TO_ANSWER)
