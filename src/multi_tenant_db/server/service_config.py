"""uvicorn's configuration."""

import os
import signal
import sys
from multiprocessing import parent_process
from threading import Thread
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from multi_tenant_db.server.factory_error import FactoryError
from multi_tenant_db.server.graceful_shutdown_protocol import GracefulShutdownProtocol
from multi_tenant_db.settings import Settings

WORKER_START_SECONDS = 60
"""uvicorn kills a worker that takes longer. With its default of 5 seconds, no worker may start under load."""


class ServiceConfig(uvicorn.Config):
    """uvicorn's configuration with the service's limits; a process that loads the application ends with its parent."""

    def __init__(self, factory: str, settings: Settings, *, reload: bool) -> None:
        super().__init__(
            factory,
            factory=True,
            # Websockets would bypass every limit and are not used.
            http=GracefulShutdownProtocol,
            ws="none",
            # The service uses neither the client's address nor the scheme.
            proxy_headers=False,
            host=settings.host,
            port=settings.port,
            workers=1 if reload else settings.workers,
            reload=reload,
            reload_dirs=["src"] if reload else None,
            root_path=settings.root_path,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=settings.keep_alive_seconds,
            timeout_graceful_shutdown=settings.shutdown_timeout_seconds,
            timeout_worker_healthcheck=WORKER_START_SECONDS,
        )

    def load(self) -> None:
        """Import the application; called only in the process that serves it: a worker, or the reloader's child."""
        parent = parent_process()
        if parent is not None:
            # A killed parent cannot end its children, which would keep the port.
            Thread(target=self._end_with, args=(parent,), daemon=True).start()
        super().load()
        if self.interface != "asgi3":
            message = f"--app: {self.app} does not return an ASGI application"
            if parent is None:
                raise FactoryError(message)
            print(f"mtdb: {message}", file=sys.stderr, flush=True)  # noqa: T201 - the parent reports the exit code only
            # Immediately: the parent would wait a minute for the response of a worker that is still ending.
            os._exit(STARTUP_FAILURE)

    @staticmethod
    def _end_with(parent: Any) -> None:
        """End when the parent has ended; its class, multiprocessing's, has no public name."""
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
