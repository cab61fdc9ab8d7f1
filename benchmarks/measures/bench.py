"""What every measure works with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from benchmarks.data.server import Server
from benchmarks.extent import Extent
from benchmarks.load.generator import Generator
from benchmarks.load.shot import Shot
from benchmarks.load.transactions import Transaction, run_transactions
from benchmarks.load.volley import Volley
from benchmarks.running_process import RunningProcess

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Bench:
    """Measures one window, with the CPU time that it cost on either side.

    Figures: answers a second, latencies in milliseconds, CPU for each answer in microseconds.
    """

    server: Server
    generator: Generator
    extent: Extent

    def lasting(self, seconds: float) -> Self:
        """Give the same bench with windows of another length."""
        return replace(self, extent=replace(self.extent, seconds=seconds))

    def fire(
        self, process: RunningProcess, shots: Sequence[Shot], clients: int, *, repeat: bool = True
    ) -> tuple[Volley, dict[str, float]]:
        """Fire at a service; raises WrongAnswerError."""
        service, postgres = process.cpu_seconds, self.server.cpu_seconds
        volley = self.generator.fire(process.port, shots, clients=clients, seconds=self.extent.seconds, repeat=repeat)
        service, postgres = process.cpu_seconds - service, self.server.cpu_seconds - postgres
        return volley, {
            **_figures(volley),
            "service_cpu": service / volley.answers * MICROSECONDS,
            "postgres_cpu": postgres / volley.answers * MICROSECONDS,
        }

    def run(self, url: str, transactions: Sequence[Transaction], connections: int) -> tuple[Volley, dict[str, float]]:
        """Run transactions without any service; `query_p95` is the query's own."""
        postgres = self.server.cpu_seconds
        arguments = url, list(transactions), connections, self.extent.seconds
        volley, query_p95 = self.generator.call(run_transactions, *arguments)
        postgres = self.server.cpu_seconds - postgres
        return volley, {
            **_figures(volley),
            "query_p95": query_p95,
            "postgres_cpu": postgres / volley.answers * MICROSECONDS,
        }


def _figures(volley: Volley) -> dict[str, float]:
    return {
        "per_second": volley.per_second,
        "p50": volley.p50,
        "p95": volley.p95,
        "p99": volley.p99,
        "generator_cpu": volley.generator_cpu_seconds / volley.answers * MICROSECONDS,
        "generator_share": volley.generator_share_of_a_core,
    }
