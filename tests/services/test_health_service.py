"""The health check on databases that are not as they should be."""

import asyncio

import pytest
from sqlalchemy import URL

from multi_tenant_db.repositories.schema_repository import SchemaRepository
from multi_tenant_db.services.health_service import HealthService
from tests.support.engines import pool
from tests.support.fresh_database import fresh_database
from tests.support.migrations import roll_back


@pytest.mark.parametrize(
    ("state", "finding"),
    [("current", "current"), ("behind", "mismatch"), ("empty", "mismatch"), ("rolled back", "mismatch")],
)
async def test_health_names_the_state_of_the_schema(server_url: URL, state: str, finding: str) -> None:
    """A schema that is behind, rolled back to nothing or not there at all is a finding, not an error."""
    revision = {"current": "head", "behind": "create_tenants", "empty": None, "rolled back": "head"}[state]
    async with fresh_database(server_url, revision) as database:
        if state == "rolled back":
            await asyncio.to_thread(roll_back, database.admin_url)
        async with pool(database) as engine:
            health = await HealthService(SchemaRepository(engine)).check_health()

    assert health.database == "connected"
    assert health.schema_revision == finding
    assert health.status == ("healthy" if finding == "current" else "unhealthy")


async def test_health_reports_an_unreachable_database(server_url: URL) -> None:
    """A server that does not answer is a finding, too."""
    async with (
        fresh_database(server_url) as database,
        pool(database, url=database.admin_url.set(drivername="postgresql+asyncpg", port=1)) as engine,
    ):
        health = await HealthService(SchemaRepository(engine)).check_health()

    assert (health.status, health.database, health.schema_revision) == ("unhealthy", "unreachable", "unknown")
