"""The metrics of reads from standbys."""

from collections.abc import Iterable, Mapping

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from multi_tenant_db.observability.read_status import ReadStatus


class ReadMetrics(Collector):
    """Read at every scrape, by the label of the server; only servers with standbys for reads have them."""

    def __init__(self, reads: Mapping[str, ReadStatus]) -> None:
        self._reads = reads

    def collect(self) -> Iterable[Metric]:
        """Return the counts and the lags."""
        counts = CounterMetricFamily("mtdb_reads", "Reads by who answered.", labels=("server", "source"))
        lags = GaugeMetricFamily(
            "mtdb_standby_lag_seconds", "Time since which the best standby may lack changes.", labels=("server",)
        )
        for label, status in self._reads.items():
            counts.add_metric((label, "primary"), status.reads_on_primary)
            counts.add_metric((label, "standby"), status.reads_on_standby)
            lags.add_metric((label,), status.lag())
        return counts, lags
