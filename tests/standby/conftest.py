"""A database with a standby, and organisations on it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.support.organization import Organization
from tests.support.replica import Replica, replica


@pytest.fixture(scope="package")
async def servers() -> AsyncIterator[Replica]:
    """Start a primary and its standby."""
    async with replica() as servers:
        yield servers


@pytest.fixture
async def bank(servers: Replica) -> Organization:
    """Make an organisation, which both servers have."""
    return await servers.create_organization()


@pytest.fixture
async def other_bank(servers: Replica) -> Organization:
    """Make another."""
    return await servers.create_organization()


@pytest.fixture
async def as_superuser(servers: Replica) -> AsyncIterator[asyncpg.Connection]:
    """Connect to the primary: what is written here the service does not know of."""
    connection = await servers.primary.connect_as_admin()
    yield connection
    await connection.close()
