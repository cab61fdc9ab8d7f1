"""A database with the example's table, on the server of the run."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL

from examples.accounts.install import install
from multi_tenant_db.testing.migrated_database import MigratedDatabase
from tests.support.fresh_database import fresh_database


@pytest.fixture
async def bank(server_url: URL) -> AsyncIterator[MigratedDatabase]:
    """Give a database with accounts that a test may break."""
    async with fresh_database(server_url) as database:
        await install(database.admin_url)
        yield database


@pytest.fixture
def isolation_database(bank: MigratedDatabase) -> MigratedDatabase:
    """Use it for the fixtures of adopters, too."""
    return bank
