"""From a worker process to whoever answers Prometheus: over a Unix socket in a folder that all workers share."""

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

SECONDS_FOR_A_WORKER_TO_TELL = 2
"""A worker that hangs is missing in a scrape, rather than to hold it up."""


@asynccontextmanager
async def serve_worker_metrics(metrics: ServiceMetrics | None, folder: Path | None) -> AsyncIterator[None]:
    """Hand this worker's metrics, if there are any, to whoever connects to its socket."""
    if metrics is None or folder is None:
        yield
        return

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(metrics.as_text())
        writer.close()

    path = folder / f"{os.getpid()}.sock"
    server = await asyncio.start_unix_server(answer, path)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


class WorkerMetrics(Collector):
    """The metrics of all workers of a service, each marked with its worker, so that rates survive a worker's end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Ask every worker; forget those that died without taking their socket along."""
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
        worker.settimeout(SECONDS_FOR_A_WORKER_TO_TELL)
        worker.connect(str(path))
        with worker.makefile(encoding="utf-8") as answer:
            return answer.read()
