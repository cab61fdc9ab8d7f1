"""Metrics of the worker processes, collected over Unix sockets in a shared folder."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from multi_tenant_db.observability.service_metrics import ServiceMetrics

WORKER_TIMEOUT_SECONDS = 2
"""A worker that does not respond in time is missing in a scrape."""


@asynccontextmanager
async def serve_worker_metrics(metrics: ServiceMetrics | None, folder: Path | None) -> AsyncIterator[None]:
    """Serve this worker's metrics, if enabled, on its socket."""
    if metrics is None or folder is None:
        yield
        return

    async def respond(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(metrics.as_text())
        writer.close()

    path = folder / f"{os.getpid()}.sock"
    server = await asyncio.start_unix_server(respond, path)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


class WorkerMetrics(Collector):
    """The metrics of all workers, labelled with the worker, so that rates stay correct when a worker ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Read every worker's metrics; remove the sockets of workers that were killed."""
        families: dict[str, Metric] = {}
        for path in sorted(self._folder.glob("*.sock")):
            try:
                text = _read(path)
            except ConnectionRefusedError:
                path.unlink(missing_ok=True)
                continue
            except OSError:
                continue
            for family in text_string_to_metric_families(text):
                merged = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    merged.add_sample(sample.name, {**sample.labels, "worker": path.stem}, sample.value)
        return families.values()


def _read(path: Path) -> str:
    with socket.socket(socket.AF_UNIX) as worker:
        worker.settimeout(WORKER_TIMEOUT_SECONDS)
        worker.connect(str(path))
        with worker.makefile(encoding="utf-8") as response:
            return response.read()
