"""`mtdb serve`."""

import asyncio
import signal
import sys
import threading
from contextlib import suppress
from typing import Annotated

import structlog
import typer
import uvicorn
from uvicorn.supervisors import ChangeReload

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.listening import complain_about_address
from multi_tenant_db.cli.metrics_server import serve_metrics
from multi_tenant_db.cli.worker_supervisor import WorkerSupervisor
from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.database.safety_check import await_safe_database
from multi_tenant_db.observability.logging import configure_logging
from multi_tenant_db.routers.orderly_http_protocol import OrderlyHttpProtocol
from multi_tenant_db.settings import Settings

SECONDS_FOR_A_WORKER_TO_START = 60
"""uvicorn kills a worker that takes longer. Its own 5 seconds would, on a machine under load, let none ever start."""

log = structlog.get_logger()


app = typer.Typer()


@app.command()
def serve(
    reload: Annotated[bool, typer.Option(help="Restart when a source file changes, for development.")] = False,
) -> None:
    """Serve the API. Refuses a database that would not keep tenants apart; waits for one that is not there yet.

    SIGTERM: requests under way are finished, new ones refused, exit code 0. SIGHUP: workers are replaced one by one.
    """
    settings = Settings()
    configure_logging(settings)
    # While it waits for the database; and uvicorn, when done, raises the signal that stopped it once more.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    asyncio.run(_require_safe_database(settings))
    with complain_about_address("MTDB", settings.host, settings.port):
        asyncio.run(_require_free_address(settings))
    config = uvicorn.Config(
        "multi_tenant_db.main:create_app",
        factory=True,
        # Websockets would go past every limit, and there are none here.
        http=OrderlyHttpProtocol,
        ws="none",
        # Nothing here asks from where or by which scheme a request came.
        proxy_headers=False,
        host=settings.host,
        port=settings.port,
        workers=1 if reload else settings.workers,
        reload=reload,
        reload_dirs=["src"] if reload else None,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_timeout_seconds,
        timeout_worker_healthcheck=SECONDS_FOR_A_WORKER_TO_START,
    )
    with serve_metrics(settings), suppress(KeyboardInterrupt):
        _run(config)


def _run(config: uvicorn.Config) -> None:
    server = uvicorn.Server(config)
    if config.should_reload:
        ChangeReload(config, target=server.run, sockets=[config.bind_socket()]).run()
    elif config.workers > 1:
        supervisor = WorkerSupervisor(config, sockets=[config.bind_socket()])
        supervisor.run()
        if supervisor.gave_up:
            sys.exit(ExitCode.FAILED)
    else:
        server.run()


async def _require_safe_database(settings: Settings) -> None:
    """Say in one line what the workers would otherwise each say in a traceback.

    Raises UnsafeDatabaseError at once, DatabaseUnavailable after `startup_timeout_seconds`.
    """
    engine = create_engine(service_url(settings), settings)
    try:
        report = await await_safe_database(engine, settings.startup_timeout_seconds)
    finally:
        await engine.dispose()
    for warning in report.warnings:
        log.warning(str(warning))


async def _require_free_address(settings: Settings) -> None:
    """Raise the OSError that uvicorn would only write to its log."""
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, settings.host, settings.port)
    server.close()
    await server.wait_closed()
