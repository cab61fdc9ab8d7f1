"""A migrated database on a server of its own."""

import asyncio

from sqlalchemy import make_url

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.schema import installation
from tests.support.migrations import migrate
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD, TestDatabase


async def migrated(server: EmbeddedPostgres) -> TestDatabase:
    """Make database, roles and schema on an empty server."""
    admin_url = make_url(server.url("tenancy"))
    await installation.create_database(admin_url)
    await installation.create_roles(admin_url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD)
    await asyncio.to_thread(migrate, admin_url)
    return TestDatabase(admin_url)
