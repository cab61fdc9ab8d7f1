"""The dashboard: each of its queries finds metrics that the service or PostgreSQL exports."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest

from multi_tenant_db.development.ports import free_port
from tests.support.known_metrics import unknown_names
from tests.support.organization import Organization
from tests.support.programs import needs
from tests.support.prometheus import ask, prometheus
from tests.support.served_process import served
from tests.support.sources import ROOT
from tests.support.test_database import TestDatabase

DASHBOARD = json.loads((ROOT / "monitoring" / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
ROUNDS = 60


def queries() -> Iterator[tuple[str, str]]:
    """Return each query of the dashboard with the title of its panel."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m")


def test_queries_name_metrics_and_labels_that_exist() -> None:
    """No query names a metric or a label that the service does not have."""
    assert {query: unknown_names(query) for _title, query in queries() if unknown_names(query)} == {}


@pytest.mark.exhaustive
@needs("prometheus")
@pytest.mark.parametrize("told_by", ["service", pytest.param("exporter", marks=needs("prometheus-postgres-exporter"))])
async def test_every_query_finds_something(
    database: TestDatabase, hsbc: Organization, barclays: Organization, told_by: str
) -> None:
    """After a little traffic, a real Prometheus answers every query of the dashboard with a number."""
    metrics_port = free_port()
    wanted = {
        (title, query.replace('datname="tenancy"', f'datname="{database.admin_url.database}"'))
        for title, query in queries()
        if ("pg_" in query) is (told_by == "exporter")
    }
    assert wanted
    # A primary as its own standby: it is not used, and has metrics.
    itself = str(database.settings().database_url)
    with (
        served(database, metrics_port=metrics_port, read_database_url=itself) as service,
        prometheus(database, metrics_port) as port,
    ):
        base_url = f"http://127.0.0.1:{service.port}"
        async with httpx.AsyncClient(base_url=base_url, headers=hsbc.parent.headers) as client:
            for _ in range(ROUNDS):
                await client.get("/tenants")
                await client.get(f"/tenants/{barclays.parent.tenant_id}")
                await client.get("/tenants", headers={"Authorization": "Bearer unknown"})
                await asyncio.sleep(0.5)
                wanted -= {(title, query) for title, query in wanted if has_number(port, query)}
                if not wanted:
                    break
    assert not wanted


def has_number(port: int, query: str) -> bool:
    """Tell whether a query has a result, and one that is a number."""
    result = ask(port, "query", query=query)
    return any(series["value"][1] != "NaN" for series in result)
