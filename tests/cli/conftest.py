"""What the tests of the command line share."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL

from multi_tenant_db.development.ports import free_port
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import settings_for
from tests.support.test_database import TestDatabase


@pytest.fixture(scope="module")
async def own(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give each file of tests a migrated database of its own, so that it may count what is there."""
    async with fresh_database(server_url) as database:
        yield database


@pytest.fixture(scope="module")
async def other(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give each file a second one, as that of the server `b`."""
    async with fresh_database(server_url) as database:
        yield database


@pytest.fixture
def both(own: TestDatabase, other: TestDatabase) -> dict[str, str]:
    """Give the settings of a command that knows two servers."""
    return settings_for(own, MTDB_SERVERS__B=settings_for(other)["MTDB_DATABASE_URL"])


@pytest.fixture
def one_away(both: dict[str, str]) -> dict[str, str]:
    """Give the settings with a third server, which is away."""
    return both | {"MTDB_SERVERS__C": f"postgresql://127.0.0.1:{free_port()}/tenancy"}
