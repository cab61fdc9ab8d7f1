"""The metrics of all workers, on a port of their own, so that the API keeps its six endpoints."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from prometheus_client import CollectorRegistry, start_http_server

from multi_tenant_db.observability.worker_metrics import WorkerMetrics
from multi_tenant_db.server.listening import address_errors
from multi_tenant_db.settings import Settings

LONGEST_FOLDER = 72
"""A Unix socket's path has about a hundred characters (unix(7)), and the folder and the socket need their names."""


@contextmanager
def serve_metrics(settings: Settings) -> Iterator[None]:
    """Answer Prometheus in a thread, as long as the service runs; do nothing without `metrics_port`."""
    if settings.metrics_port is None:
        yield
        return
    with TemporaryDirectory(prefix="mtdb-metrics-", dir=_short_folder()) as folder:
        # The workers, of which this process may be one, read their settings after this.
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
    """Return where the sockets may lie: the usual place, unless its path leaves no room for their names."""
    return None if len(gettempdir()) <= LONGEST_FOLDER else "/tmp"  # noqa: S108 - mkdtemp makes the name
