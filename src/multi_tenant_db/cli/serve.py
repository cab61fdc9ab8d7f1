"""`mtdb serve`."""

import asyncio
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from socket import socket
from typing import Annotated

import structlog
import typer
import uvicorn
from uvicorn.supervisors import ChangeReload

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.database.servers import Servers
from multi_tenant_db.lint.servers_check import safe_servers
from multi_tenant_db.observability.logging import configure_logging
from multi_tenant_db.server.listening import address_errors, listen
from multi_tenant_db.server.metrics_server import serve_metrics
from multi_tenant_db.server.service_config import ServiceConfig
from multi_tenant_db.server.shared_writes import shared_writes
from multi_tenant_db.server.worker_supervisor import WorkerSupervisor
from multi_tenant_db.settings import Settings

log = structlog.get_logger()


app = typer.Typer(add_completion=False)


@app.command()
def serve(
    factory: Annotated[
        str,
        typer.Option("--app", metavar="MODULE:FACTORY", help="Function that returns the application, for your own."),
    ] = "multi_tenant_db.main:create_app",
    reload: Annotated[bool, typer.Option(help="Restart when a source file changes, for development.")] = False,
) -> None:
    """Serve the API. Refuses a database that does not isolate tenants; waits for one that is unavailable.

    SIGTERM: current requests are finished, new ones refused, exit code 0. SIGHUP: workers are replaced one by one.
    """
    settings = Settings()
    configure_logging(settings)
    _require_factory(factory)
    # For the wait for the database; and uvicorn, at its end, raises the signal that stopped it again.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    asyncio.run(_require_safe_database(settings))
    with address_errors("MTDB", settings.host, settings.port):
        listener = listen(settings.host, settings.port)
    with listener, serve_metrics(settings), shared_writes(settings), suppress(KeyboardInterrupt):
        _run(ServiceConfig(factory, settings, reload=reload), listener)


def _run(config: ServiceConfig, listener: socket) -> None:
    server = uvicorn.Server(config)
    if config.should_reload:
        ChangeReload(config, target=server.run, sockets=[listener]).run()
    elif config.workers > 1:
        supervisor = WorkerSupervisor(config, sockets=[listener])
        supervisor.run()
        if supervisor.gave_up:
            sys.exit(ExitCode.FAILED)
    else:
        server.run(sockets=[listener])


def _require_factory(factory: str) -> None:
    """Refuse a missing factory in one line; it may be in the current folder. Raises typer.BadParameter."""
    sys.path.insert(0, str(Path.cwd()))
    module, _, name = factory.partition(":")
    try:
        function = getattr(import_module(module), name, None) if name and all(module.split(".")) else None
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        function = None
    if not callable(function):
        place = module or "a module without a name"
        raise typer.BadParameter(f"there is no {name or 'factory'}() in {place}: use --app module:factory")


async def _require_safe_database(settings: Settings) -> None:
    """Report an unsafe database in one line, before each worker does so in a traceback.

    Raises UnsafeDatabaseError at once, DatabaseUnavailable after `startup_timeout_seconds`. Of several servers one is
    enough to start.
    """
    servers = Servers.of(settings)
    try:
        async with safe_servers(
            servers, settings.startup_timeout_seconds, allow_untested=settings.allow_untested_postgres
        ) as reports:
            for label, report in reports.items():
                server = {"server": label} if settings.servers else {}
                for warning in report.warnings:
                    log.warning(str(warning), **server)
    finally:
        await servers.dispose()
