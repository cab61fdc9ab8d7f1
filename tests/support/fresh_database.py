"""Databases of a test's own, made from the migrations and dropped afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
from sqlalchemy import URL

from multi_tenant_db.schema import installation
from tests.support.migrations import migrate
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD, TestDatabase
from tests.support.tested_server import IS_OURS

TEMPLATE = "tenancy_template"


@asynccontextmanager
async def fresh_database(server_url: URL, revision: str | None = "head") -> AsyncIterator[TestDatabase]:
    """Make a database with its roles, migrated to a revision; None leaves it without a schema.

    On a server of our own, which lives for one run, the newest schema is a copy of one that was migrated once.
    """
    admin_url = server_url.set(database=f"tenancy_fresh_{uuid4().hex[:8]}")
    try:
        if revision == "head" and IS_OURS:
            await _make_template(server_url.set(database=TEMPLATE))
            await _maintain(admin_url, f'CREATE DATABASE "{admin_url.database}" TEMPLATE {TEMPLATE}')
            await installation.create_roles(admin_url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD)
        else:
            await installation.create_database(admin_url)
            await _fill(admin_url, revision)
        yield TestDatabase(admin_url)
    finally:
        await drop_database(admin_url)


async def drop_database(admin_url: URL) -> None:
    """Drop the database that the URL names, whoever is still connected."""
    await _maintain(admin_url, f'DROP DATABASE IF EXISTS "{admin_url.database}" WITH (FORCE)')


async def _make_template(admin_url: URL) -> None:
    if await installation.create_database(admin_url):
        await _fill(admin_url, "head")


async def _fill(admin_url: URL, revision: str | None) -> None:
    await installation.create_roles(admin_url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD)
    if revision:
        await asyncio.to_thread(migrate, admin_url, revision)


async def _maintain(admin_url: URL, statement: str) -> None:
    maintenance = admin_url.set(drivername="postgresql", database=installation.MAINTENANCE_DATABASE)
    connection = await asyncpg.connect(maintenance.render_as_string(hide_password=False))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
