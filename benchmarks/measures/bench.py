"""The means of every measure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from benchmarks.data.server import Server
from benchmarks.extent import Extent
from benchmarks.load.batch import Batch
from benchmarks.load.checked_request import CheckedRequest
from benchmarks.load.generator import Generator
from benchmarks.load.transactions import Transaction, run_transactions
from benchmarks.running_process import RunningProcess

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Bench:
    """Measures one window, including the CPU time of the service and of PostgreSQL.

    Figures: responses per second, latencies in milliseconds, CPU per response in microseconds.
    """

    server: Server
    generator: Generator
    extent: Extent

    def lasting(self, seconds: float) -> Self:
        """Return the same bench with windows of another length."""
        return replace(self, extent=replace(self.extent, seconds=seconds))

    def send(
        self, process: RunningProcess, requests: Sequence[CheckedRequest], clients: int, *, repeat: bool = True
    ) -> tuple[Batch, dict[str, float]]:
        """Send requests to a service; raises WrongResponseError."""
        service, postgres = process.cpu_seconds, self.server.cpu_seconds
        batch = self.generator.send(process.port, requests, clients=clients, seconds=self.extent.seconds, repeat=repeat)
        service, postgres = process.cpu_seconds - service, self.server.cpu_seconds - postgres
        return batch, {
            **_figures(batch),
            "service_cpu": service / batch.responses * MICROSECONDS,
            "postgres_cpu": postgres / batch.responses * MICROSECONDS,
        }

    def run(self, url: str, transactions: Sequence[Transaction], connections: int) -> tuple[Batch, dict[str, float]]:
        """Run transactions without a service; `query_p95` is that of the query alone."""
        postgres = self.server.cpu_seconds
        arguments = url, list(transactions), connections, self.extent.seconds
        batch, query_p95 = self.generator.call(run_transactions, *arguments)
        postgres = self.server.cpu_seconds - postgres
        return batch, {
            **_figures(batch),
            "query_p95": query_p95,
            "postgres_cpu": postgres / batch.responses * MICROSECONDS,
        }


def _figures(batch: Batch) -> dict[str, float]:
    return {
        "per_second": batch.per_second,
        "p50": batch.p50,
        "p95": batch.p95,
        "p99": batch.p99,
        "generator_cpu": batch.generator_cpu_seconds / batch.responses * MICROSECONDS,
        "generator_share": batch.generator_share_of_a_core,
    }
