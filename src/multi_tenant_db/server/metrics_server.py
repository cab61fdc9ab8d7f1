"""Serves the metrics of all workers on a separate port."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from prometheus_client import CollectorRegistry, start_http_server

from multi_tenant_db.observability.worker_metrics import WorkerMetrics
from multi_tenant_db.server.listening import address_errors
from multi_tenant_db.settings import Settings

MAX_FOLDER_CHARACTERS = 72
"""A Unix socket's path has about a hundred characters (unix(7)), including the names of folder and socket."""


@contextmanager
def serve_metrics(settings: Settings) -> Iterator[None]:
    """Serve Prometheus in a thread while the service runs; do nothing without `metrics_port`."""
    if settings.metrics_port is None:
        yield
        return
    with TemporaryDirectory(prefix="mtdb-metrics-", dir=_short_folder()) as folder:
        # The workers, possibly this process itself, read their settings later.
        os.environ["MTDB_METRICS_FOLDER"] = folder
        registry = CollectorRegistry()
        registry.register(WorkerMetrics(Path(folder)))
        with address_errors("MTDB_METRICS", settings.metrics_host, settings.metrics_port):
            server, thread = start_http_server(settings.metrics_port, settings.metrics_host, registry)
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _short_folder() -> str | None:
    """Return the parent folder of the sockets: the default (None), or /tmp if the default's path is too long."""
    return None if len(gettempdir()) <= MAX_FOLDER_CHARACTERS else "/tmp"  # noqa: S108 - mkdtemp chooses the name
