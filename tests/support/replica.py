"""A database and its copy on a hot standby."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.settings import Settings
from tests.support.migrated_server import migrated
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.standby import primary_and_standby, wait_until_applied
from tests.support.test_database import TestDatabase


@dataclass(frozen=True)
class Replica:
    """The two servers, and the database on each."""

    primary_server: EmbeddedPostgres
    standby_server: EmbeddedPostgres
    primary: TestDatabase
    standby: TestDatabase

    def settings(self, **changes: object) -> Settings:
        """Return the settings of a service that reads from the standby."""
        return self.primary.settings(**{"read_database_url": url_of(self.standby)} | changes)

    async def create_organization(self) -> Organization:
        """Make an organisation, and wait until the standby has it."""
        operator = await self.primary.connect_as_operator()
        try:
            organization = await Registry(operator).create_organization()
        finally:
            await operator.close()
        await self.wait_until_applied()
        return organization

    async def wait_until_applied(self) -> None:
        """Return when the standby has all that the primary has committed until now."""
        admin = await self.primary.connect_as_admin()
        # The tests' servers acknowledge a commit before it is in the log's file.
        await admin.execute("SET synchronous_commit = on")
        await admin.fetchval("SELECT pg_logical_emit_message(true, 'tests', 'written')::text")
        await admin.close()
        await wait_until_applied(self.primary_server, self.standby_server)


def url_of(database: TestDatabase) -> str:
    """Return the URL without credentials."""
    url = database.admin_url
    return f"postgresql://{url.host}:{url.port}/{url.database}"


@asynccontextmanager
async def replica(*, durable: bool = False) -> AsyncIterator[Replica]:
    """Run both servers, with a migrated database."""
    with primary_and_standby(durable=durable) as (primary, standby):
        database = await migrated(primary)
        await wait_until_applied(primary, standby)
        yield Replica(primary, standby, database, TestDatabase(database.admin_url.set(port=standby.port)))
