"""Two PostgreSQL servers with the schema and an adopter's table, and one service for both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from examples.accounts.install import install
from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.moving.administration import connect, connection_string
from multi_tenant_db.moving.organization_move import OrganizationMove
from multi_tenant_db.server_label import url_variable
from multi_tenant_db.settings import Settings
from tests.support.migrated_server import migrated
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD, TestDatabase

HERE, THERE = "default", "b"


@dataclass(frozen=True)
class TwoServers:
    """The databases by label."""

    databases: dict[str, TestDatabase]

    @classmethod
    @asynccontextmanager
    async def started(cls) -> AsyncIterator["TwoServers"]:
        """Start both, migrate them, and stop them at the end."""
        wanted = {"wal_level": "logical"}
        with EmbeddedPostgres.temporary(settings=wanted) as one, EmbeddedPostgres.temporary(settings=wanted) as two:
            databases = {}
            for label, server in ((HERE, one), (THERE, two)):
                databases[label] = await migrated(server)
                await install(databases[label].admin_url)
            yield cls(databases)

    def urls(self, *, as_administrator: bool = False) -> dict[str, str]:
        """Return the URLs of the databases by label, without or with credentials."""
        urls = {}
        for label, database in self.databases.items():
            url = database.admin_url
            credentials = f"{url.username}:{url.password}@" if as_administrator else ""
            urls[label] = f"postgresql://{credentials}{url.host}:{url.port}/{url.database}"
        return urls

    def settings(self, **changes: object) -> Settings:
        """Return the service's settings for both."""
        urls = self.urls()
        return self.databases[HERE].settings(database_url=urls[HERE], servers={THERE: urls[THERE]}, **changes)

    def environment(self, *, as_administrator: bool = True) -> dict[str, str]:
        """Return the command line's environment."""
        urls = self.urls(as_administrator=as_administrator)
        return {
            **{url_variable(label): url for label, url in urls.items()},
            "MTDB_API_PASSWORD": API_PASSWORD,
            "MTDB_OPERATOR_PASSWORD": OPERATOR_PASSWORD,
        }

    @asynccontextmanager
    async def move(
        self, organization_id: UUID, to: str = THERE, *, max_pause: float = 5.0
    ) -> AsyncIterator[OrganizationMove]:
        """Prepare a move, with its two connections."""
        source_label = HERE if to == THERE else THERE
        source_url = self.databases[source_label].admin_url
        source, reader = await connect(source_url, source_label), await connect(source_url, source_label)
        target = await connect(self.databases[to].admin_url, to)
        string = connection_string(source_url)
        try:
            yield OrganizationMove(organization_id, source, reader, target, source_label, to, string, max_pause)
        finally:
            for connection in (source, reader, target):
                await connection.close()
