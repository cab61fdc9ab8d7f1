"""Databases of a test's own, made from the migrations and dropped afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
from sqlalchemy import URL

from multi_tenant_db.database import installation
from tests.support.migrations import migrate
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD, TestDatabase


@asynccontextmanager
async def fresh_database(server_url: URL, revision: str | None = "head") -> AsyncIterator[TestDatabase]:
    """Make a database with its roles, migrated to a revision; None leaves it without a schema."""
    admin_url = server_url.set(database=f"tenancy_fresh_{uuid4().hex[:8]}")
    await installation.create_database(admin_url)
    try:
        await installation.create_roles(admin_url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD)
        if revision:
            await asyncio.to_thread(migrate, admin_url, revision)
        yield TestDatabase(admin_url)
    finally:
        await drop_database(admin_url)


async def drop_database(admin_url: URL) -> None:
    """Drop the database that the URL names, whoever is still connected."""
    maintenance = admin_url.set(drivername="postgresql", database=installation.MAINTENANCE_DATABASE)
    connection = await asyncpg.connect(maintenance.render_as_string(hide_password=False))
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{admin_url.database}" WITH (FORCE)')
    finally:
        await connection.close()
