"""Fixtures of the steps."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import URL

from tests.protecting.legacy_table import LegacyTable, legacy_table


@pytest.fixture
async def legacy(server_url: URL) -> AsyncIterator[LegacyTable]:
    """Give a table with rows."""
    async with legacy_table(server_url) as legacy:
        yield legacy


@pytest.fixture
async def application(legacy: LegacyTable) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the table's application."""
    connection = await legacy.connect()
    yield connection
    await connection.close()


@pytest.fixture
async def service(legacy: LegacyTable) -> AsyncIterator[asyncpg.Connection]:
    """Connect to its database as the service's role."""
    connection = await legacy.database.connect_as_api()
    yield connection
    await connection.close()
