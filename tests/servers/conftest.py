"""A second server with a database of its own, and its organisations."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from multi_tenant_db.development import EmbeddedPostgres
from tests.support.migrated_server import migrated
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase


@pytest.fixture(scope="package")
def second_server() -> Iterator[EmbeddedPostgres]:
    """Run another server."""
    with EmbeddedPostgres.temporary() as server:
        yield server


@pytest.fixture(scope="package")
async def second_database(second_server: EmbeddedPostgres) -> TestDatabase:
    """Give the migrated database of the server `b`."""
    return await migrated(second_server)


@pytest.fixture
def second_url(second_database: TestDatabase) -> str:
    """Name the server `b` as a setting does."""
    return str(second_database.settings().database_url)


@pytest.fixture
async def second_operator(second_database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Connect to the server `b` as tenancy_operator."""
    connection = await second_database.connect_as_operator()
    yield connection
    await connection.close()


@pytest.fixture
def second_registry(second_operator: asyncpg.Connection) -> Registry:
    """Make tenants and tokens of the server `b`."""
    return Registry(second_operator, "b")


@pytest.fixture
async def lloyds(second_registry: Registry) -> Organization:
    """Make Lloyds with two subsidiaries, on the server `b`."""
    return await second_registry.create_organization("Lloyds")
