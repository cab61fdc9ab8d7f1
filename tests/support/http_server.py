"""The service behind its own HTTP protocol, in this process: on a socket, without a process of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from uvicorn.server import ServerState

from multi_tenant_db.main import create_app
from multi_tenant_db.server.graceful_shutdown_protocol import GracefulShutdownProtocol
from multi_tenant_db.settings import Settings


@asynccontextmanager
async def http_server(settings: Settings) -> AsyncIterator[int]:
    """Return the port. The start-up check is left out, so the database may be missing."""
    app = create_app(settings)
    config = uvicorn.Config(app, http=GracefulShutdownProtocol, ws="none", log_config=None, server_header=False)
    config.load()
    state = {"settings": settings, "metrics": None}
    connections = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: GracefulShutdownProtocol(config=config, server_state=connections, app_state=state), "127.0.0.1"
    )
    try:
        async with server:
            yield server.sockets[0].getsockname()[1]
    finally:
        await app.state.servers.dispose()
