"""The metrics of connections that could not be opened."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class ConnectMetrics(Collector):
    """Read at every scrape, by the label of the server."""

    def __init__(self, failures: Mapping[str, Callable[[], int]]) -> None:
        self._failures = failures

    def collect(self) -> Iterable[Metric]:
        """Return the counts."""
        counts = CounterMetricFamily(
            "mtdb_connect_failures", "Attempts to connect to a server that failed.", labels=("server",)
        )
        for label, count in self._failures.items():
            counts.add_metric((label,), count())
        return (counts,)
