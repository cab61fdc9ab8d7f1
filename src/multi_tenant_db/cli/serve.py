"""`mtdb serve`."""

import asyncio
from typing import Annotated

import typer
import uvicorn

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.database.safety_check import require_safe_database
from multi_tenant_db.settings import Settings


def serve(
    reload: Annotated[bool, typer.Option(help="Restart when a source file changes, for development.")] = False,
) -> None:
    """Serve the API. Refuses a database that would not keep tenants apart."""
    settings = Settings()
    asyncio.run(_require_safe_database(settings))
    asyncio.run(_require_free_address(settings))
    uvicorn.run(
        "multi_tenant_db.main:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=None if reload else settings.workers,
        reload=reload,
        reload_dirs=["src"] if reload else None,
        access_log=False,
        log_config=None,
        server_header=False,
    )


async def _require_safe_database(settings: Settings) -> None:
    """Say in one line what the workers would otherwise each say in a traceback."""
    engine = create_engine(service_url(settings), settings)
    try:
        await require_safe_database(engine)
    finally:
        await engine.dispose()


async def _require_free_address(settings: Settings) -> None:
    """Say in one line what uvicorn would say in its log, and not with the exit code of a missing database."""
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, settings.host, settings.port)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        typer.echo(f"mtdb: cannot listen on {where} ({error}): set MTDB_HOST or MTDB_PORT", err=True)
        raise typer.Exit(ExitCode.FAILED) from error
    server.close()
    await server.wait_closed()
