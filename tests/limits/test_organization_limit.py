"""The limit of requests a second for each organisation: 429 before the database, and no effect on others."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from multi_tenant_db.development.ports import free_port
from tests.observability.test_metrics import scrape
from tests.support.organization import Organization
from tests.support.problems import assert_problem
from tests.support.served_process import ServedProcess, served
from tests.support.test_database import TestDatabase
from tests.support.threads import in_thread

LIMIT = 3
METRICS_PORT = free_port()
FIELDS = ("RateLimit", "RateLimit-Policy")


@pytest.fixture(scope="module")
def service(database: TestDatabase) -> Iterator[ServedProcess]:
    """Admit three requests a second of an organisation."""
    with served(database, max_organization_requests_per_second=LIMIT, metrics_port=METRICS_PORT) as service:
        yield service


@pytest.fixture
async def limited(service: ServedProcess) -> AsyncIterator[httpx.AsyncClient]:
    """Connect to the service with the limit."""
    async with httpx.AsyncClient(base_url=service.url) as client:
        yield client


async def test_an_organization_above_its_limit(
    limited: httpx.AsyncClient, hsbc: Organization, barclays: Organization
) -> None:
    """Requests above the limit are 429 and say when to repeat, for every token of the organisation; others go on."""
    first = await limited.get("/tenants", headers=hsbc.parent.headers)
    assert (first.status_code, first.headers["RateLimit"]) == (200, '"organization";r=2;t=1')
    answers = [await limited.get("/tenants", headers=hsbc.parent.headers) for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 20
    problem = assert_problem(refused[0], 429, "too_many_requests")
    assert "Retry-After" in problem["detail"]
    for answer in refused:
        assert answer.headers["Retry-After"] == "1"
        assert answer.headers["RateLimit"] == '"organization";r=0;t=1'
        assert answer.headers["RateLimit-Policy"] == f'"organization";q={LIMIT};w=1'
    other = await limited.get("/tenants", headers=barclays.parent.headers)
    assert (other.status_code, other.headers["RateLimit"]) == (200, '"organization";r=2;t=1')
    subsidiary = hsbc.subsidiaries[0].headers
    same = [(await limited.get("/tenants", headers=subsidiary)).status_code for _ in range(30)]
    assert same[0] == 200, "the organisation of a token is known after its first request only"
    assert same.count(429) >= 25
    metrics = (await in_thread(scrape, METRICS_PORT)).splitlines()
    [counted] = [line for line in metrics if "mtdb_problems_total{" in line and "too_many_requests" in line]
    assert float(counted.rpartition(" ")[2]) >= len(refused)


async def test_a_token_that_is_not_valid_is_limited_too(limited: httpx.AsyncClient) -> None:
    """A token that the database refuses is 401 within the limit, then 429; both have the fields."""
    headers = {"Authorization": "Bearer mtdb_unknown"}
    answers = [await limited.get("/tenants", headers=headers) for _ in range(30)]
    assert [answer.status_code for answer in answers[:LIMIT]] == [401] * LIMIT
    assert [answer.status_code for answer in answers].count(429) >= 20
    assert all(name in answer.headers for answer in answers for name in FIELDS)


async def test_requests_without_a_token_have_no_limit(limited: httpx.AsyncClient) -> None:
    """Health checks are neither counted nor refused."""
    answers = [await limited.get("/health") for _ in range(3 * LIMIT)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any(name in answer.headers for answer in answers for name in FIELDS)


async def test_without_the_setting_there_is_no_limit(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """By default no request is refused, and no response has the fields."""
    answers = [await client.get("/tenants", headers=hsbc.parent.headers) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any(name in answer.headers for answer in answers for name in FIELDS)
