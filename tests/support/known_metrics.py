"""What the service really tells Prometheus: a query that names anything else finds nothing, and nobody notices."""

import re
from unittest.mock import Mock

from prometheus_client.parser import text_string_to_metric_families

from multi_tenant_db.database.connection_pool import ConnectionPool
from multi_tenant_db.observability.service_metrics import ServiceMetrics

OURS = re.compile(r"\b(?:mtdb|process)_\w+")
LABELS = re.compile(r'(\w+)[=!]~?"|by \(([\w, ]+)\)')
LABELS_OF_PROMETHEUS = {"instance", "job", "worker"}


def unknown_names(query: str) -> set[str]:
    """Return the metrics and, in a query on the service alone, the labels that the service does not have."""
    pool = ConnectionPool(lambda: None, pool_size=1, timeout=1)  # it never connects
    metrics = ServiceMetrics(
        {"default": lambda: pool},
        problem_codes=["internal_error"],
        schema_revision="any",
        reads={"default": Mock(reads_on_primary=1, reads_on_standby=1, lag=lambda: 0.1)},
        connect_failures={"default": lambda: 0},
    )
    metrics.record_request("GET", "/tenants", 200, None, 0.01)
    families = [*text_string_to_metric_families(metrics.as_text().decode())]
    names = {sample.name for family in families for sample in family.samples}
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    unknown = set(OURS.findall(query)) - names
    if "pg_" not in query:
        used = {label for found in LABELS.findall(query) for label in ",".join(found).replace(" ", "").split(",")}
        unknown |= used - {""} - labels - LABELS_OF_PROMETHEUS
    return unknown
