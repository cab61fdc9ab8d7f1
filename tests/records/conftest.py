"""Fixtures of the records: two databases with adopters' tables, and filled organisations in the first."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import URL

from multi_tenant_db.moving.administration import connect
from tests.records.documents import create_documents
from tests.support.fresh_database import fresh_database
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase


@pytest.fixture(scope="session")
async def here(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give the database that records come from."""
    async with fresh_database(server_url) as database:
        await create_documents(database)
        yield database


@pytest.fixture(scope="session")
async def there(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give the database that records are imported into."""
    async with fresh_database(server_url) as database:
        await create_documents(database, is_reordered=True)
        yield database


@pytest.fixture
async def admin(here: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the commands do, to the first database."""
    connection = await connect(here.admin_url, "default")
    yield connection
    await connection.close()


@pytest.fixture
async def admin_there(there: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the commands do, to the second database."""
    connection = await connect(there.admin_url, "default")
    yield connection
    await connection.close()


@pytest.fixture
async def registry_here(here: TestDatabase) -> AsyncIterator[Registry]:
    """Make organisations and tokens in the first database."""
    operator = await here.connect_as_operator()
    yield Registry(operator)
    await operator.close()
