"""A server that is killed and frozen, and a database on it."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.schema import installation
from tests.support.migrations import migrate
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD, TestDatabase


@contextmanager
def durable_server() -> Iterator[EmbeddedPostgres]:
    """Run a server of our own with every safety of its durability on, and remove it at the end."""
    parent = Path(tempfile.mkdtemp(prefix="multi-tenant-db-faults-"))
    parent.chmod(0o755)
    server = EmbeddedPostgres(parent / "server")
    try:
        yield server.start()
    finally:
        server.kill()
        shutil.rmtree(parent, ignore_errors=True)


async def durable_database(server: EmbeddedPostgres) -> TestDatabase:
    """Make a migrated database."""
    admin_url = make_url(server.url("fragile"))
    await installation.create_database(admin_url)
    await installation.create_roles(admin_url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD)
    await asyncio.to_thread(migrate, admin_url)
    return TestDatabase(admin_url)
