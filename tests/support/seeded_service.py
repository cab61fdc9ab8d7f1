"""A service with the sample data, as `make up` starts one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import URL

from tests.support.fresh_database import fresh_database
from tests.support.mtdb import mtdb, settings_for
from tests.support.served_process import served
from tests.support.test_database import TestDatabase


@dataclass(frozen=True)
class SeededService:
    """A running service on a seeded database."""

    database: TestDatabase
    url: str
    environment: dict[str, str]
    """What `mtdb` needs to work on this database."""

    async def token(self, *holder: str) -> str:
        """Issue a token as an operator does: for a tenant's name, or with `--platform-operator`."""
        outcome = await mtdb("token", "issue", *holder, "--quiet", env=self.environment)
        assert outcome.exit_code == 0, outcome.stderr
        return outcome.stdout.strip()


@asynccontextmanager
async def seeded_service(server_url: URL) -> AsyncIterator[SeededService]:
    """Make a database, seed it, and serve it until the end."""
    async with fresh_database(server_url) as database:
        environment = settings_for(database)
        outcome = await mtdb("seed", env=environment)
        assert outcome.exit_code == 0, outcome.stderr
        with served(database) as service:
            yield SeededService(database, f"http://127.0.0.1:{service.port}", environment)
