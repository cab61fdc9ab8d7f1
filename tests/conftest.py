"""Fixtures for every test: one real server for the run, one migrated database, fresh tenants for each test."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import asyncpg
import httpx
import hypothesis
import pytest
from fastapi import FastAPI
from sqlalchemy import URL, make_url

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.main import create_app
from multi_tenant_db.schema import installation
from multi_tenant_db.settings import Settings
from tests.support.extent import EXHAUSTIVE
from tests.support.kept_connections import KeptConnections
from tests.support.migrations import migrate
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD, TestDatabase
from tests.support.tested_server import IS_OURS

EXTERNAL_SERVER = None if IS_OURS else os.environ["MTDB_DATABASE_URL"]
MUTANT_DATABASE = os.environ.get("MUTANT_DATABASE")  # one with a defect to be noticed, see tests/mutants
PROFILES = {"MTDB_ATTACK_PROFILE", "MTDB_EXHAUSTIVE", "MTDB_LONG"}
"""How hard the tests try; the tests use no other variable of the environment."""
pytest_plugins = ["multi_tenant_db.testing.fixtures", "tests.support.skipped_tests", "tests.support.untraced"]
FOR_OTHERS = (
    *("MTDB_", "OTEL_", "PYTHONSAFEPATH"),
    *(() if EXTERNAL_SERVER else ("PG",)),
    *(() if MUTANT_DATABASE is not None else ("PYTHONPATH",)),  # a service under test runs the mutant's sources, too
)
for name in [*os.environ]:
    if (name.startswith(FOR_OTHERS) and name not in PROFILES) or name.lower().endswith("_proxy"):
        del os.environ[name]
hypothesis.settings.register_profile("suite", deadline=None)  # a busy machine is not a failure
hypothesis.settings.load_profile("suite")
Settings.model_config["env_file"] = None  # the tests do not use the development's database


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to exhaustive runs what is theirs."""
    if not EXHAUSTIVE and (theirs := [item for item in items if item.get_closest_marker("exhaustive")]):
        config.hook.pytest_deselected(items=theirs)
        items[:] = [item for item in items if item not in theirs]


@pytest.fixture(scope="session")
def server_url() -> Iterator[URL]:
    """Name a PostgreSQL server, with an administrator's credentials: the one given, or one of our own."""
    if EXTERNAL_SERVER:
        yield make_url(EXTERNAL_SERVER)
        return
    with EmbeddedPostgres.temporary() as server:
        yield make_url(server.url())


@pytest.fixture(scope="session")
async def database(server_url: URL) -> TestDatabase:
    """Give the migrated database that the tests share."""
    if MUTANT_DATABASE:
        return TestDatabase(server_url.set(database=MUTANT_DATABASE))
    admin_url = server_url.set(database=f"tenancy_test_{uuid4().hex[:8]}")
    await installation.create_database(admin_url)
    await installation.create_roles(admin_url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD)
    await asyncio.to_thread(migrate, admin_url)
    return TestDatabase(admin_url)


@pytest.fixture
async def as_api(database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Connect as tenancy_api, without a token."""
    connection = await database.connect_as_api()
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def kept_connections() -> AsyncIterator[KeptConnections]:
    """Keep connections for the run."""
    kept = KeptConnections()
    yield kept
    await kept.close()


@pytest.fixture
async def as_admin(kept_connections: KeptConnections, database: TestDatabase) -> asyncpg.Connection:
    """Connect as the superuser, to look at what really is there."""
    return await kept_connections.get(database.connect_as_admin)


@pytest.fixture
async def registry(kept_connections: KeptConnections, database: TestDatabase) -> Registry:
    """Make tenants and tokens as an operator does."""
    return Registry(await kept_connections.get(database.connect_as_operator))


@pytest.fixture
async def hsbc(registry: Registry) -> Organization:
    """Make HSBC with two subsidiaries."""
    return await registry.create_organization("HSBC")


@pytest.fixture
async def barclays(registry: Registry) -> Organization:
    """Make Barclays with two subsidiaries, strangers to HSBC."""
    return await registry.create_organization("Barclays")


@pytest.fixture
async def platform_operator(registry: Registry) -> Party:
    """Make a platform operator, whose token reaches every tenant."""
    return Party(uuid4(), "platform operator", await registry.issue_operator_token())


@pytest.fixture(scope="session")
async def app(database: TestDatabase) -> AsyncIterator[FastAPI]:
    """Start the service in this process."""
    app = create_app(database.settings())
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Call the service without a token; `headers=party.headers` authenticates a call."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client
