"""A migrated database on a primary with a standby, and the URLs that name both."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from multi_tenant_db.development import EmbeddedPostgres
from tests.support.migrated_server import migrated
from tests.support.standby import SYNCHRONOUS, primary_and_standby, require_standby, wait_until_applied
from tests.support.test_database import TestDatabase

Servers = tuple[EmbeddedPostgres, EmbeddedPostgres]


@asynccontextmanager
async def replicated_database(*, synchronous: bool = True) -> AsyncIterator[tuple[Servers, TestDatabase]]:
    """Run both servers, durable, until the end; with `synchronous`, a commit waits until the standby has applied it."""
    with primary_and_standby(durable=True, settings=SYNCHRONOUS if synchronous else None) as servers:
        database = await migrated(servers[0])
        if synchronous:
            await require_standby(servers[0])
        await wait_until_applied(*servers)
        yield servers, database


def on(server: EmbeddedPostgres, database: TestDatabase) -> TestDatabase:
    """Name the same database on another server."""
    return TestDatabase(database.admin_url.set(port=server.port))


def listed(database: TestDatabase, servers: Servers) -> str:
    """Write both hosts before the database's name."""
    first, second = servers
    return (
        f"postgresql://127.0.0.1:{first.port},127.0.0.1:{second.port}/{database.admin_url.database}"
        "?target_session_attrs=primary"
    )


def named(database: TestDatabase, servers: Servers) -> str:
    """Write each host as a parameter."""
    first, second = servers
    return (
        f"postgresql:///{database.admin_url.database}?host=127.0.0.1:{first.port}&host=127.0.0.1:{second.port}"
        "&target_session_attrs=primary"
    )


URLS: dict[str, Callable[[TestDatabase, Servers], str]] = {"listed": listed, "named": named}
"""Both ways of writing several hosts."""
