"""A service of a test's own, in this process, with settings or endpoints that the shared one does not have."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from multi_tenant_db.main import create_app
from multi_tenant_db.settings import Settings


@asynccontextmanager
async def own_service(settings: Settings) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """Give a service and its client. The start-up check is left out, so its database may be missing."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            yield app, client
    finally:
        await app.state.servers.dispose()
