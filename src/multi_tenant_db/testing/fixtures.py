"""Fixtures for pytest: `pytest_plugins = ["multi_tenant_db.testing.fixtures"]`.

None of them is asynchronous, so they work with any plugin for asynchronous tests and any scope of its loop.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol
from uuid import uuid4

import pytest
from sqlalchemy import URL

from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.database.session import Session
from multi_tenant_db.database.tenant_session import tenant_session
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.testing.isolation import assert_table_isolated
from multi_tenant_db.testing.isolation_check import RowFactory
from multi_tenant_db.testing.migrated_database import MigratedDatabase
from multi_tenant_db.testing.preparation import drop_database, make_database, make_organizations, remove_organizations
from multi_tenant_db.testing.two_organizations import TwoOrganizations

SERVER_URL = "MTDB_TEST_SERVER_URL"
"""Environment variable: a PostgreSQL server for tests only, with an administrator's credentials."""

type AsCaller = Callable[[str], AbstractAsyncContextManager[Session]]


class AssertIsolated(Protocol):
    """The fixture `assert_isolated`."""

    def __call__(self, table: str, make_row: RowFactory, *, tested_elsewhere: Sequence[str] = ...) -> Awaitable[None]:
        """Raise AssertionError, with every breach and its remedy."""
        ...


def run_in_thread[Result](work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end in a loop of its own, also where a loop runs already."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def isolation_server_url() -> Iterator[URL]:
    """Name the server of MTDB_TEST_SERVER_URL, or start an embedded one. Its roles get the passwords of the tests."""
    if url := os.environ.get(SERVER_URL):
        yield read_database_url(url)
        return
    with EmbeddedPostgres.temporary() as server:
        yield read_database_url(server.url())


@pytest.fixture(scope="session")
def isolation_database(isolation_server_url: URL) -> Iterator[MigratedDatabase]:
    """Make a migrated database for the run, and drop it. Override it to add tables of your own."""
    admin_url = isolation_server_url.set(database=f"mtdb_isolation_{uuid4().hex[:8]}")
    try:
        yield run_in_thread(make_database(admin_url))
    finally:
        run_in_thread(drop_database(admin_url))


@pytest.fixture
def two_organizations(isolation_database: MigratedDatabase) -> Iterator[TwoOrganizations]:
    """Make two organisations for the test, and delete them at its end with all their rows."""
    organizations = run_in_thread(make_organizations(isolation_database))
    try:
        yield organizations
    finally:
        run_in_thread(remove_organizations(isolation_database, organizations))


@pytest.fixture
def as_caller(isolation_database: MigratedDatabase) -> AsCaller:
    """Give what opens a caller's session and transaction, as a request or a job does, from the caller's token."""

    @asynccontextmanager
    async def open_session(token: str) -> AsyncIterator[Session]:
        settings = isolation_database.settings()
        engine = create_engine(service_url(settings), settings, connections=1)
        try:
            async with tenant_session(engine, token, "test") as (session, _caller):
                yield session
        finally:
            await engine.dispose()

    return open_session


@pytest.fixture
def assert_isolated(isolation_database: MigratedDatabase, two_organizations: TwoOrganizations) -> AssertIsolated:
    """Give the assertion that a table keeps the organisations apart, for every verb and every caller."""

    async def check(table: str, make_row: RowFactory, *, tested_elsewhere: Sequence[str] = ()) -> None:
        await assert_table_isolated(
            isolation_database, two_organizations, table, make_row, tested_elsewhere=tested_elsewhere
        )

    return check
