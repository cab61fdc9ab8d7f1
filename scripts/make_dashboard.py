"""The Grafana dashboard, generated from PANELS: `python scripts/make_dashboard.py` writes it."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "monitoring" / "grafana" / "dashboard.json"

REQUESTS = "mtdb_http_request_duration_seconds_count"
DURATIONS = "mtdb_http_request_duration_seconds_bucket"
HIDDEN = 'code=~"tenant_not_found|parent_not_found"'
DATABASE = 'datname="tenancy"'


def rate(metric: str, labels: str = "") -> str:
    """Return the query of a counter's rate per second."""
    return f"rate({metric}{{{labels}}}[$__rate_interval])" if labels else f"rate({metric}[$__rate_interval])"


def quantile(share: float, *by: str) -> str:
    """Return the query of a quantile of the durations."""
    return f"histogram_quantile({share}, sum by ({', '.join(('le', *by))}) ({rate(DURATIONS)}))"


PANELS: dict[str, tuple[str, dict[str, str]]] = {
    "Requests by route": ("reqps", {"{{method}} {{route}}": f"sum by (method, route) ({rate(REQUESTS)})"}),
    "Responses by status": ("reqps", {"{{status}}": f"sum by (status) ({rate(REQUESTS)})"}),
    "Latency": ("s", {"50 %": quantile(0.5), "95 %": quantile(0.95), "99 %": quantile(0.99)}),
    "Latency, 95 %, by route": ("s", {"{{method}} {{route}}": quantile(0.95, "method", "route")}),
    "Server errors": (
        "percentunit",
        {"5xx": f"(sum({rate(REQUESTS, 'status=~"5.."')}) or vector(0)) / sum({rate(REQUESTS)})"},
    ),
    "Problems by code": ("reqps", {"{{code}}": f"sum by (code) ({rate('mtdb_problems_total')}) > 0"}),
    "Denied by row level security": (
        "reqps",
        {
            "hidden or absent": f"sum({rate('mtdb_problems_total', HIDDEN)})",
            "not permitted": f"sum({rate('mtdb_problems_total', 'code="operation_not_permitted"')})",
        },
    ),
    "Failed sign-ins": ("reqps", {"401": f"sum({rate('mtdb_problems_total', 'code="authentication_required"')})"}),
    "Connection pool": (
        "none",
        {
            "in use": "sum(mtdb_pool_in_use)",
            "size": "sum(mtdb_pool_size)",
            "requests waiting": "sum(mtdb_pool_waiting)",
        },
    ),
    "Memory by worker": ("bytes", {"{{worker}}": 'process_resident_memory_bytes{job="multi-tenant-db"}'}),
    "Database: transactions": (
        "ops",
        {
            "commit": f"sum({rate('pg_stat_database_xact_commit', DATABASE)})",
            "rollback": f"sum({rate('pg_stat_database_xact_rollback', DATABASE)})",
        },
    ),
    "Database: connections and deadlocks": (
        "none",
        {
            "connections": f"sum(pg_stat_database_numbackends{{{DATABASE}}})",
            "deadlocks": f"sum(increase(pg_stat_database_deadlocks{{{DATABASE}}}[$__rate_interval]))",
        },
    ),
    "Database: blocks found in memory": (
        "percentunit",
        {
            "share": f"sum({rate('pg_stat_database_blks_hit', DATABASE)}) / (sum("
            f"{rate('pg_stat_database_blks_hit', DATABASE)}) + sum({rate('pg_stat_database_blks_read', DATABASE)}))"
        },
    ),
    "Database: size": ("bytes", {"size": f"pg_database_size_bytes{{{DATABASE}}}"}),
}
"""By title: the unit, and the queries by legend. Panels are laid out in two columns."""


def dashboard() -> dict[str, Any]:
    """Return the dashboard in Grafana's format."""
    return {
        "uid": "multi-tenant-db",
        "title": "Multi-Tenant Database",
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-15m", "to": "now"},
        "panels": [_panel(number, title, *panel) for number, (title, panel) in enumerate(PANELS.items())],
    }


def _panel(number: int, title: str, unit: str, queries: dict[str, str]) -> dict[str, Any]:
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "datasource": {"type": "prometheus", "uid": "prometheus"},
        "gridPos": {"x": number % 2 * 12, "y": number // 2 * 8, "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + position), "legendFormat": legend, "expr": query}
            for position, (legend, query) in enumerate(queries.items())
        ],
    }


def as_text() -> str:
    """Return the file's text."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(as_text())
