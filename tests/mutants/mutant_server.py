"""A PostgreSQL server with a migrated database, of which every mutant gets a copy, and a pytest that starts fast."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import asyncpg
from sqlalchemy import URL, make_url

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.schema import installation
from tests.mutants.catalogue import catalogue, difference
from tests.mutants.pytest_forks import PytestForks
from tests.support.fresh_database import drop_database
from tests.support.migrations import migrate
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD

TEMPLATE = "tenancy_template"


class MutantServer:
    """One server: a mutant that changes a whole server's objects, such as roles, affects no other mutant."""

    def __init__(self, url: URL, pytest: PytestForks) -> None:
        self.url = url
        self.pytest = pytest

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["MutantServer"]:
        """Start a server and migrate its template."""
        with EmbeddedPostgres.temporary() as server, PytestForks.open() as pytest:
            mutant_server = cls(make_url(server.url()), pytest)
            template = mutant_server.url.set(database=TEMPLATE)
            asyncio.run(installation.create_database(template))
            asyncio.run(_create_roles(template))
            migrate(template)
            yield mutant_server

    @contextmanager
    def database(self, sql: str) -> Iterator[tuple[str, list[str]]]:
        """Copy the template and run the SQL there; give the copy's name and the names of what has changed in it."""
        copy = self.url.set(database=f"tenancy_mutant_{uuid4().hex[:8]}")
        changed = asyncio.run(self._copy(copy, sql))
        try:
            yield str(copy.database), changed
        finally:
            asyncio.run(drop_database(copy))

    async def _copy(self, copy: URL, sql: str) -> list[str]:
        await _execute(self.url, f'CREATE DATABASE "{copy.database}" TEMPLATE {TEMPLATE}')
        await _create_roles(copy)
        admin = await _connect(copy)
        try:
            before = await catalogue(admin)
            await admin.execute(sql or "SELECT")
            return difference(before, await catalogue(admin))
        finally:
            await admin.close()


async def _create_roles(url: URL) -> None:
    await installation.create_roles(url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD)


async def _execute(url: URL, statement: str) -> None:
    connection = await _connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _connect(url: URL) -> asyncpg.Connection:
    return await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
