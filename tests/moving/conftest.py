"""Fixtures of the moves: two servers for all tests of a process, and organisations on the first."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.moving.two_servers import HERE, TwoServers
from tests.support.registry import Registry


@pytest.fixture(scope="session")
async def both() -> AsyncIterator[TwoServers]:
    """Give two servers."""
    async with TwoServers.started() as both:
        yield both


@pytest.fixture
async def registry_here(both: TwoServers) -> AsyncIterator[Registry]:
    """Make organisations and tokens on the server that moves begin at."""
    operator = await both.databases[HERE].connect_as_operator()
    yield Registry(operator)
    await operator.close()


@pytest.fixture
async def services(both: TwoServers) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    """Connect to both servers as the service's role."""
    connections = {label: await database.connect_as_api() for label, database in both.databases.items()}
    yield connections
    for connection in connections.values():
        await connection.close()
