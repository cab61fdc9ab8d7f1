"""A server that is away takes down its own organisations only."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from multi_tenant_db.database.servers import Servers
from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.errors import DatabaseUnavailable
from multi_tenant_db.lint.servers_check import safe_servers
from multi_tenant_db.lint.unsafe_database_error import UnsafeDatabaseError
from multi_tenant_db.main import create_app
from multi_tenant_db.settings import Settings
from tests.support.migrated_server import migrated
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.recorded_log import RecordedLog
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase


@pytest.fixture
def frail_server() -> Iterator[EmbeddedPostgres]:
    """Run a server that a test may kill without losing what was committed."""
    with EmbeddedPostgres.temporary(settings={"synchronous_commit": "on"}) as server:
        yield server


@pytest.fixture
async def frail_database(frail_server: EmbeddedPostgres) -> TestDatabase:
    """Give its migrated database."""
    return await migrated(frail_server)


@pytest.fixture
async def lloyds(frail_database: TestDatabase) -> Organization:
    """Make Lloyds on it."""
    operator = await frail_database.connect_as_operator()
    organization = await Registry(operator, "b").create_organization("Lloyds")
    await operator.close()
    return organization


@pytest.fixture
def settings(database: TestDatabase, frail_database: TestDatabase) -> Settings:
    """Name both servers."""
    return database.settings(servers={"b": str(frail_database.settings().database_url)}, startup_timeout_seconds=5)


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Start a service with its checks, and ask it."""
    app: FastAPI = create_app(settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        yield client


async def status_of(client: httpx.AsyncClient, party: Party) -> int:
    """Return the status of a caller's list."""
    return (await client.get("/tenants", headers=party.headers)).status_code


async def until_served(client: httpx.AsyncClient, party: Party) -> None:
    """Wait until a caller is served; the servers' checks are repeated twice a second."""
    async with asyncio.timeout(20):
        while (status := await status_of(client, party)) != 200:
            assert status == 503
            await asyncio.sleep(0.1)


async def health_of(client: httpx.AsyncClient) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of the health check."""
    response = await client.get("/health")
    return response.status_code, response.json()


async def test_the_others_are_served_while_a_server_is_away(
    settings: Settings, frail_server: EmbeddedPostgres, hsbc: Organization, lloyds: Organization
) -> None:
    """503 for its organisations, with Retry-After; 200 for the others; it comes back without a restart."""
    async with started(settings) as client:
        assert await health_of(client) == (
            200,
            {
                "status": "healthy",
                "version": (await health_of(client))[1]["version"],
                "database": "connected",
                "schema_revision": "current",
                "servers": {
                    label: {"database": "connected", "schema_revision": "current"} for label in ("default", "b")
                },
            },
        )
        frail_server.kill()
        refused = await client.get("/tenants", headers=lloyds.parent.headers)
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert refused.headers["Retry-After"]
        assert await status_of(client, hsbc.parent) == 200
        status, health = await health_of(client)
        assert (status, health["status"], health["database"]) == (200, "degraded", "connected")
        assert health["servers"]["b"] == {"database": "unreachable", "schema_revision": "unknown"}
        frail_server.start()
        await until_served(client, lloyds.parent)
        assert (await health_of(client))[1]["status"] == "healthy"


async def test_the_service_starts_while_a_server_is_away(
    settings: Settings, frail_server: EmbeddedPostgres, hsbc: Organization, lloyds: Organization
) -> None:
    """Its organisations get 503 until it is back and has been checked."""
    frail_server.kill()
    async with started(settings) as client:
        assert await status_of(client, hsbc.parent) == 200
        assert await status_of(client, lloyds.parent) == 503
        frail_server.start()
        await until_served(client, lloyds.parent)


async def test_a_server_that_comes_back_unsafe_is_not_used(
    settings: Settings,
    frail_server: EmbeddedPostgres,
    frail_database: TestDatabase,
    lloyds: Organization,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing was checked before, so nothing is served; the log says what is wrong."""
    log = RecordedLog.of("lint.servers_check", monkeypatch)
    await expose(frail_database)
    frail_server.kill()
    async with started(settings) as client:
        frail_server.start()
        await log.until("a server is not safe: its organisations get 503", server="b", dangers="tenancy.tenants")
        assert await status_of(client, lloyds.parent) == 503


async def test_a_server_that_cannot_be_checked_is_reported(
    settings: Settings, frail_server: EmbeddedPostgres, lloyds: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stops its check, the log says so: its organisations get 503 until the next start."""
    log = RecordedLog.of("lint.servers_check", monkeypatch)
    frail_server.kill()
    async with started(settings) as client:
        monkeypatch.setattr("multi_tenant_db.lint.safety_check.SERVER_VERSION", text("SELECT 1 / 0"))
        frail_server.start()
        await log.until("a server cannot be checked: its organisations get 503", server="b")
        assert await status_of(client, lloyds.parent) == 503


async def test_a_server_that_comes_back_warns_as_at_the_start(
    settings: Settings, frail_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its check warns of is in the log."""
    log = RecordedLog.of("lint.servers_check", monkeypatch)
    monkeypatch.setattr("multi_tenant_db.lint.catalogue_lint.LAST_FIXES", (179999, 189999))
    frail_server.kill()
    async with started(settings):
        frail_server.start()
        await log.until("a server is back and safe", server="b")
        assert any("server-lacks-fixes" in event and fields == {"server": "b"} for event, fields in log.lines)


async def test_an_unsafe_server_stops_the_start(
    settings: Settings, frail_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the only one would, if it is there."""
    monkeypatch.setattr("multi_tenant_db.lint.servers_check.PATIENCE_SECONDS", 60)  # however busy the machine
    await expose(frail_database)
    with pytest.raises(UnsafeDatabaseError):
        async with started(settings):
            pass


async def test_a_service_all_of_whose_servers_are_away_does_not_start(settings: Settings) -> None:
    """It waits for the first, in vain, and leaves no task behind."""
    nowhere = "postgresql://127.0.0.1:1/tenancy"
    alone = settings.model_copy(update={"database_url": nowhere, "servers": {"b": nowhere}})
    servers = Servers.of(alone)
    tasks = len(asyncio.all_tasks())
    with pytest.raises(DatabaseUnavailable):
        async with safe_servers(servers, 0.2):
            pass
    assert len(asyncio.all_tasks()) == tasks
    await servers.dispose()


async def expose(database: TestDatabase) -> None:
    """Take the protection of a table away."""
    admin: asyncpg.Connection = await database.connect_as_admin()
    await admin.execute("ALTER TABLE tenancy.tenants NO FORCE ROW LEVEL SECURITY")
    await admin.close()
