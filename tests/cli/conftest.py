"""What the tests of the command line share."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL

from tests.support.fresh_database import fresh_database
from tests.support.test_database import TestDatabase


@pytest.fixture(scope="module")
async def own(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give each file of tests a migrated database of its own, so that it may count what is there."""
    async with fresh_database(server_url) as database:
        yield database
