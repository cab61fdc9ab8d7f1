"""A service with the sample data, as `make up` starts one."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL

from multi_tenant_db.server_label import url_variable
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import mtdb, settings_for
from tests.support.served_process import served
from tests.support.test_database import TestDatabase

LABELS = ("b", "c", "d")


@dataclass(frozen=True)
class SeededService:
    """A running service on a seeded database."""

    databases: list[TestDatabase]
    url: str
    environment: dict[str, str]
    """What `mtdb` needs to work on these databases."""

    async def token(self, *holder: str) -> str:
        """Issue a token as an operator does: for a tenant's name, or with `--platform-operator`."""
        outcome = await mtdb("token", "issue", *holder, "--quiet", env=self.environment)
        assert outcome.exit_code == 0, outcome.stderr
        return outcome.stdout.strip()


@asynccontextmanager
async def seeded_service(server_url: URL, servers: int = 1) -> AsyncIterator[SeededService]:
    """Make a database for each server, named as further servers are; seed and serve them until the end."""
    async with AsyncExitStack() as stack:
        databases = [await stack.enter_async_context(fresh_database(server_url)) for _ in range(servers)]
        further = {
            url_variable(label): settings_for(database)["MTDB_DATABASE_URL"]
            for label, database in zip(LABELS, databases[1:], strict=False)
        }
        environment = settings_for(databases[0], **further)
        outcome = await mtdb("seed", env=environment)
        assert outcome.exit_code == 0, outcome.stderr
        settings: dict[str, Any] = {name.removeprefix("MTDB_").lower(): url for name, url in further.items()}
        service = stack.enter_context(served(databases[0], **settings))
        yield SeededService(databases, f"http://127.0.0.1:{service.port}", environment)
