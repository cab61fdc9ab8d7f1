"""The health check on databases that are not as they should be."""

import asyncio

import pytest
from sqlalchemy import URL

from multi_tenant_db.lint.safety_check import check_database
from multi_tenant_db.repositories.schema_repository import SchemaRepository
from multi_tenant_db.schema.schema_revision import REQUIRED_SCHEMA_REVISION
from multi_tenant_db.services.health_service import HealthService
from tests.support.engines import pool
from tests.support.fresh_database import fresh_database
from tests.support.migrations import roll_back

DECLARE = "INSERT INTO public.compatible_revisions (schema_revision, service_revision) VALUES"
OURS = f"{DECLARE} ('newest', '{REQUIRED_SCHEMA_REVISION}')"
NEWER = {
    "newer, which declares nothing": "",
    "newer, which declares another version": f"{DECLARE} ('newest', 'remember_answers')",
    "newer, whose predecessor declared this version": f"{DECLARE} ('newer', '{REQUIRED_SCHEMA_REVISION}')",
    "newer, which declares this version": OURS,
    "newer, whose declarations may not be read": f"{OURS}; REVOKE SELECT ON compatible_revisions FROM tenancy_api",
}
"""The versions that a newer schema is compatible with."""


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("state", "finding"),
    [
        ("current", "current"),
        ("one behind", "mismatch"),
        ("far behind", "mismatch"),
        ("empty", "mismatch"),
        ("rolled back", "mismatch"),
        ("newer, which declares nothing", "mismatch"),
        ("newer, which declares another version", "mismatch"),
        ("newer, whose predecessor declared this version", "mismatch"),
        ("newer, which declares this version", "compatible"),
        ("newer, whose declarations may not be read", "mismatch"),
    ],
)
async def test_health_and_start_agree_about_the_schema(server_url: URL, state: str, finding: str) -> None:
    """The own schema, or a newer one compatible with it, is healthy; any other is unhealthy and refused at start."""
    revision = {"one behind": "remember_answers", "far behind": "create_tenants", "empty": None}.get(state, "head")
    async with fresh_database(server_url, revision) as database:
        if state == "rolled back":
            await asyncio.to_thread(roll_back, database.admin_url)
        if state in NEWER:
            admin = await database.connect_as_admin()
            await admin.execute(f"UPDATE public.alembic_version SET version_num = 'newest'; {NEWER[state]}")
            await admin.close()
        async with pool(database) as engine:
            health = await HealthService({"default": SchemaRepository(engine)}).check_health()
            report = await check_database(engine)

    assert health.database == "connected"
    assert health.schema_revision == finding
    assert health.status == ("unhealthy" if finding == "mismatch" else "healthy")
    about_schema = [found.code for found in report.findings if found.code.startswith("schema-")]
    assert about_schema == {"current": [], "compatible": ["schema-newer"], "mismatch": ["schema-revision"]}[finding]
    assert (report.dangers == []) == (finding != "mismatch")


async def test_health_reports_an_unreachable_database(server_url: URL) -> None:
    """A server that does not answer is reported as unhealthy."""
    async with (
        fresh_database(server_url) as database,
        pool(database, url=database.admin_url.set(drivername="postgresql+asyncpg", port=1)) as engine,
    ):
        health = await HealthService({"default": SchemaRepository(engine)}).check_health()

    assert (health.status, health.database, health.schema_revision) == ("unhealthy", "unreachable", "unknown")
