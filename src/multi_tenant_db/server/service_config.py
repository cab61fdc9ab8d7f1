"""How uvicorn runs the service."""

import os
import signal
import sys
from multiprocessing import parent_process
from threading import Thread

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from multi_tenant_db.server.factory_error import FactoryError
from multi_tenant_db.server.graceful_shutdown_protocol import GracefulShutdownProtocol
from multi_tenant_db.settings import Settings

SECONDS_FOR_A_WORKER_TO_START = 60
"""uvicorn kills a worker that takes longer. Its own 5 seconds would, on a machine under load, let none ever start."""


class ServiceConfig(uvicorn.Config):
    """uvicorn's, with the service's limits; a process that it is loaded in ends with the process that started it."""

    def __init__(self, factory: str, settings: Settings, *, reload: bool) -> None:
        super().__init__(
            factory,
            factory=True,
            # Websockets would go past every limit, and there are none here.
            http=GracefulShutdownProtocol,
            ws="none",
            # Nothing here asks from where or by which scheme a request came.
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
            timeout_worker_healthcheck=SECONDS_FOR_A_WORKER_TO_START,
        )

    def load(self) -> None:
        """Import the application, which only the process does that serves it: a worker, or the reloader's child."""
        parent = parent_process()
        if parent is not None:
            # A parent that is killed cannot end its children, which would go on and keep the port.
            Thread(target=self._end_with, args=(parent,), daemon=True).start()
        super().load()
        if self.interface != "asgi3":
            message = f"--app: {self.app} returns no ASGI application such as FastAPI's"
            if parent is None:
                raise FactoryError(message)
            print(f"mtdb: {message}", file=sys.stderr, flush=True)  # noqa: T201 - the parent reports the exit code only
            # At once: a parent that pings a worker which is still ending waits a minute for its response.
            os._exit(STARTUP_FAILURE)

    @staticmethod
    def _end_with(parent: object) -> None:
        parent.join()  # type: ignore[attr-defined]  # multiprocessing's, which has no public name
        os.kill(os.getpid(), signal.SIGTERM)
