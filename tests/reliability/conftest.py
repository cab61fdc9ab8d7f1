"""A server of the tests' own, durable, since they kill it; a database on it, and a service."""

from collections.abc import AsyncIterator, Iterator

import pytest

from multi_tenant_db.development import EmbeddedPostgres
from tests.reliability.support.durable_server import durable_server
from tests.reliability.support.service import Service, serving
from tests.support.migrated_server import migrated
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

POOL_SIZE = 5
CONNECTIONS = POOL_SIZE + 1
"""One more for `/health`."""


@pytest.fixture(scope="package")
def server() -> Iterator[EmbeddedPostgres]:
    """Start a durable server: what it acknowledged survives the tests' kills."""
    with durable_server() as server:
        yield server


@pytest.fixture(scope="package")
async def fragile(server: EmbeddedPostgres) -> TestDatabase:
    """Give the migrated database that will be down at times."""
    return await migrated(server)


@pytest.fixture(scope="package")
async def service(fragile: TestDatabase) -> AsyncIterator[Service]:
    """Run one service through all faults; it waits less long than usual, so that the tests do too."""
    async with serving(
        fragile,
        pool_size=POOL_SIZE,
        pool_timeout_seconds=0.5,
        connect_timeout_seconds=1,
        command_timeout_seconds=2,
        body_timeout_seconds=1,
        request_timeout_seconds=4,
    ) as service:
        yield service


@pytest.fixture
async def bank(fragile: TestDatabase) -> Organization:
    """Make a bank with two subsidiaries on the fragile database."""
    operator = await fragile.connect_as_operator()
    try:
        return await Registry(operator).create_organization("Fragile bank")
    finally:
        await operator.close()
