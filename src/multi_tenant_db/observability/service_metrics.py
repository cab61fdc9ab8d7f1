"""The metrics of a worker process."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http import HTTPMethod

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from multi_tenant_db import __version__
from multi_tenant_db.observability.connect_metrics import ConnectMetrics
from multi_tenant_db.observability.pool_status import PoolStatus
from multi_tenant_db.observability.read_metrics import ReadMetrics
from multi_tenant_db.observability.read_status import ReadStatus

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds. 0.05 and 0.2 are the service's goals."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # Prometheus records start times itself

METHODS = frozenset(HTTPMethod)

type CurrentPool = Callable[[], PoolStatus]


class ServiceMetrics:
    """The metrics of a worker process, of pools by the label of their server.

    Labels have fixed, small sets of values; none names a tenant or a caller.
    """

    def __init__(
        self,
        pools: Mapping[str, CurrentPool],
        *,
        problem_codes: Iterable[str],
        schema_revision: str,
        reads: Mapping[str, ReadStatus] | None = None,
        connect_failures: Mapping[str, Callable[[], int]] | None = None,
    ) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "mtdb_http_request_duration_seconds",
            "Duration of requests by route template.",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        # Cached, since a lookup by labels takes longer than an observation.
        self._requests_like = cache(self._requests.labels)
        self._problems = Counter(
            "mtdb_problems", "Responses with a problem document, by code.", ("code",), registry=self._registry
        )
        for code in problem_codes:
            self._problems.labels(code)
        # Read at every scrape, at no cost for requests.
        self._gauges("mtdb_pool_size", "Maximum number of connections.", pools, lambda pool: pool.size())
        self._gauges("mtdb_pool_in_use", "Connections in use.", pools, lambda pool: pool.in_use())
        self._gauges("mtdb_pool_waiting", "Requests that wait for a connection.", pools, lambda pool: pool.waiting())
        self._registry.register(ConnectMetrics(connect_failures or {}))
        if reads:
            self._registry.register(ReadMetrics(reads))
        build = Gauge("mtdb_build_info", "Always 1.", ("version", "schema_revision"), registry=self._registry)
        build.labels(__version__, schema_revision).set(1)
        ProcessCollector(registry=self._registry)

    def record_request(
        self, method: str, route: str | None, status: int | None, code: str | None, seconds: float
    ) -> None:
        """Record a finished request."""
        known_method = method if method in METHODS or method == "none" else "other"
        self._requests_like(known_method, route or "none", status or "none").observe(seconds)
        if code is not None:
            self._problems.labels(code).inc()

    def as_text(self) -> bytes:
        """Return the metrics in Prometheus's text format."""
        return generate_latest(self._registry)

    def _gauges(
        self, name: str, documentation: str, pools: Mapping[str, CurrentPool], read: Callable[[PoolStatus], float]
    ) -> None:
        gauge = Gauge(name, documentation, ("server",), registry=self._registry)
        for label, current in pools.items():
            gauge.labels(label).set_function(_reader(read, current))


def _reader(read: Callable[[PoolStatus], float], current: CurrentPool) -> Callable[[], float]:
    return lambda: read(current())
