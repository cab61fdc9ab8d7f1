"""Metrics: what Prometheus reads covers all workers together, and names no tenant."""

import asyncio
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from multi_tenant_db.database.connection_pool import pool_of
from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.development.ports import free_port
from multi_tenant_db.observability.service_metrics import ServiceMetrics
from tests.support.organization import Organization
from tests.support.own_service import own_service
from tests.support.served_process import ServedProcess, served
from tests.support.test_database import TestDatabase

REQUESTS = 20
LABELS = {"server", "method", "route", "status", "le", "code", "version", "schema_revision", "worker"}


def scrape(port: int) -> str:
    """Ask as Prometheus does."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read(), "utf-8")


def families_of(text: str) -> dict[str, Metric]:
    """Return the metrics by name."""
    return {family.name: family for family in text_string_to_metric_families(text)}


def summed(text: str, sample_name: str, *labels: str) -> Counter[tuple[str, ...]]:
    """Return a metric's values by these labels, summed over everything else."""
    sums: Counter[tuple[str, ...]] = Counter()
    for family in families_of(text).values():
        for sample in family.samples:
            if sample.name == sample_name and sample.value:
                sums[tuple(sample.labels[label] for label in labels)] += int(sample.value)
    return sums


@pytest.fixture(scope="module")
async def metrics_port() -> int:
    """Choose the port of the metrics."""
    return free_port()


@pytest.fixture(scope="module")
async def pair(database: TestDatabase, metrics_port: int) -> AsyncIterator[ServedProcess]:
    """Run two workers with metrics."""
    with served(database, workers=2, metrics_port=metrics_port) as service:
        async with asyncio.timeout(30):
            while len(summed(scrape(metrics_port), "mtdb_build_info", "worker")) < 2:  # noqa: ASYNC110 - as Prometheus
                await asyncio.sleep(0.05)
        yield service


@pytest.mark.exhaustive
async def test_what_two_workers_did_adds_up(
    pair: ServedProcess, metrics_port: int, hsbc: Organization, barclays: Organization
) -> None:
    """Requests and problems are counted exactly, whichever worker had them; the API itself has no such endpoint."""
    before = scrape(metrics_port)
    own, foreign = hsbc.parent, barclays.parent
    subsidiary = {"name": "Refused", "tenant_type": "subsidiary", "parent_tenant_id": str(own.tenant_id)}
    calls = [
        ("GET", f"/tenants/{own.tenant_id}", own.headers, None, 200),
        ("GET", f"/tenants/{foreign.tenant_id}", own.headers, None, 404),
        ("GET", "/tenants", {"Authorization": "Bearer unknown"}, None, 401),
        ("POST", "/tenants", hsbc.subsidiaries[0].headers, subsidiary, 403),
        ("GET", "/metrics", {}, None, 404),
        ("BREW", "/tenants", {}, None, 400),
        ("PROPFIND", "/tenants", {}, None, 405),
    ]
    for _ in range(REQUESTS):
        # A connection of its own each time, so that both workers get some.
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{pair.port}") as client:
            for method, path, headers, body, status in calls:
                answer = await client.request(method, path, headers=headers, json=body)
                assert answer.status_code == status

    expected = {
        ("GET", "/tenants/{tenant_id}", "200"): REQUESTS,
        ("GET", "/tenants/{tenant_id}", "404"): REQUESTS,
        ("GET", "/tenants", "401"): REQUESTS,
        ("POST", "/tenants", "403"): REQUESTS,
        ("GET", "none", "404"): REQUESTS,
        ("other", "/tenants", "405"): REQUESTS,
        ("none", "none", "400"): REQUESTS,
    }
    by_request = ("mtdb_http_request_duration_seconds_count", "method", "route", "status")
    text = scrape(metrics_port)
    for _ in range(100):  # the line of the last request is written once its answer has left
        if summed(text, *by_request) - summed(before, *by_request) == expected:
            break
        await asyncio.sleep(0.05)
        text = scrape(metrics_port)
    assert summed(text, *by_request) - summed(before, *by_request) == expected
    codes = summed(text, "mtdb_problems_total", "code") - summed(before, "mtdb_problems_total", "code")
    assert codes == {
        ("tenant_not_found",): REQUESTS,
        ("authentication_required",): REQUESTS,
        ("operation_not_permitted",): REQUESTS,
        ("route_not_found",): REQUESTS,
        ("method_not_allowed",): REQUESTS,
        ("malformed_request",): REQUESTS,
    }
    assert all(summed(text, "mtdb_http_request_duration_seconds_count", "worker").values())


@pytest.mark.exhaustive
async def test_no_label_names_a_tenant(pair: ServedProcess, metrics_port: int, hsbc: Organization) -> None:
    """The labels are ours, and neither a token, an id, a name nor a path that a caller sent is in any of them."""
    secret = "a-name-that-must-not-be-a-label"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{pair.port}", headers=hsbc.parent.headers) as client:
        await client.get(f"/tenants/{hsbc.parent.tenant_id}", params={"cursor": secret})
        await client.get(f"/{secret}", headers={"X-Request-ID": secret})
        await client.put(f"/tenants/{hsbc.parent.tenant_id}", json={"name": secret, "metadata": {}})
    text = scrape(metrics_port)
    assert {label for family in families_of(text).values() for sample in family.samples for label in sample.labels} <= (
        LABELS
    )
    for private in (secret, hsbc.parent.token, str(hsbc.parent.tenant_id), "HSBC"):
        assert private not in text


async def test_the_pool_is_read_when_asked(database: TestDatabase) -> None:
    """Size, connections in use and requests waiting are those of the moment."""
    settings = database.settings(pool_size=2)
    engine = create_engine(service_url(settings), settings)
    metrics = ServiceMetrics({"default": lambda: pool_of(engine)}, problem_codes=(), schema_revision="any")

    def pool() -> list[int]:
        text = metrics.as_text().decode()
        return [summed(text, f"mtdb_pool_{name}")[()] for name in ("size", "in_use", "waiting")]

    async def wait_for_a_slot() -> None:
        async with pool_of(engine).slot():
            pass

    assert pool() == [2, 0, 0]
    async with pool_of(engine).slot(), pool_of(engine).slot():
        waiter = asyncio.create_task(wait_for_a_slot())
        await asyncio.sleep(0)
        assert pool() == [2, 2, 1]
    await waiter
    assert pool() == [2, 0, 0]
    await engine.dispose()


async def test_connections_that_cannot_be_opened_are_counted_by_server(database: TestDatabase) -> None:
    """By the health check alone, too; a server that is there has none."""
    nowhere = f"postgresql://127.0.0.1:{free_port()}/tenancy"
    async with own_service(database.settings(servers={"b": nowhere})) as (app, client):
        failures = {server.label: server.connect_failures for server in app.state.servers}
        metrics = ServiceMetrics({}, problem_codes=(), schema_revision="any", connect_failures=failures)

        def counted() -> Counter[tuple[str, ...]]:
            return summed(metrics.as_text().decode(), "mtdb_connect_failures_total", "server")

        assert counted() == {}
        for number in range(1, 3):
            assert (await client.get("/health")).json()["status"] == "degraded"
            assert counted() == {("b",): number}
