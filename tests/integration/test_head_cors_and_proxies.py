"""HEAD, CORS, the documentation pages and proxies, beside the six endpoints."""

import asyncio
import json

import httpx
import pytest

from multi_tenant_db.development.ports import free_port
from tests.observability.test_metrics import scrape
from tests.support.organization import Organization
from tests.support.own_service import own_service
from tests.support.problems import assert_problem
from tests.support.requests import create, new_subsidiary, replace
from tests.support.served_process import served
from tests.support.test_database import TestDatabase

ORIGIN = "https://bank.example"


@pytest.mark.parametrize(
    "path", ["/health", "/tenants", "/tenants/{id}", "/tenants/019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a", "/x"]
)
async def test_head_is_get_without_its_body(client: httpx.AsyncClient, hsbc: Organization, path: str) -> None:
    """Status and headers are those of GET, whatever the answer is."""
    url = path.replace("{id}", str(hsbc.parent.tenant_id))
    got = await client.get(url, headers=hsbc.parent.headers)
    head = await client.head(url, headers=hsbc.parent.headers)
    own = {"x-request-id", "date"}
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert {name: value for name, value in head.headers.items() if name not in own} == {
        name: value for name, value in got.headers.items() if name not in own
    } | ({"content-length": head.headers["content-length"]} if got.status_code >= 400 else {})


async def test_head_needs_a_token_too(client: httpx.AsyncClient) -> None:
    """HEAD needs a valid token like GET."""
    assert (await client.head("/tenants")).status_code == 401


async def test_the_root_names_the_documentation(client: httpx.AsyncClient) -> None:
    """The service's root address names the documentation."""
    problem = assert_problem(await client.get("/"), 404, "route_not_found")
    assert "/docs" in problem["detail"]
    assert "/tenants" in problem["detail"]


async def test_no_page_of_another_origin_may_call_by_default(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Without the setting there is no header of CORS, and a preflight is refused."""
    answer = await client.get("/tenants", headers=hsbc.parent.headers | {"Origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_pages_of_chosen_origins_may_call(database: TestDatabase, hsbc: Organization) -> None:
    """Pages of the configured origins may call with a token and read the headers; others may not."""
    async with own_service(database.settings(cors_origins=f"{ORIGIN}, https://other.example")) as (_, client):
        asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
        asked["Access-Control-Request-Headers"] = "authorization, if-match, traceparent, tracestate"
        allowed = await client.options("/tenants", headers=asked)
        refused = await client.options("/tenants", headers=asked | {"Origin": "https://evil.example"})
        answer = await client.get("/tenants", headers=hsbc.parent.headers | {"Origin": ORIGIN})
        failed = await client.get("/tenants", headers={"Origin": ORIGIN})
    assert allowed.status_code == 200
    assert "CORS origin." in assert_problem(refused, 400, "preflight_refused")["detail"]
    assert "access-control-allow-origin" not in refused.headers
    for each in (allowed, answer, failed):
        assert each.headers["access-control-allow-origin"] == ORIGIN
        assert "access-control-allow-credentials" not in each.headers
    assert "ETag" in answer.headers["access-control-expose-headers"]


async def test_a_page_can_read_why_it_failed(database: TestDatabase) -> None:
    """Whichever layer answers: a refusal by the head, and a defect of the service, have the headers of CORS, too."""
    async with own_service(database.settings(cors_origins=ORIGIN)) as (app, client):

        @app.get("/defect")
        async def _() -> None:
            raise RuntimeError

        defect = await client.get("/defect", headers={"Origin": ORIGIN})
        refused = await client.get("/health", headers={"Origin": ORIGIN, "X-Large": "x" * 20_000})
    assert_problem(defect, 500, "internal_error")
    assert_problem(refused, 431, "headers_too_large")
    for each in (defect, refused):
        assert each.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.exhaustive
async def test_a_preflight_is_logged_and_counted(database: TestDatabase) -> None:
    """Refused or not, it stands in the log under its id, and in the metrics."""
    metrics_port = free_port()
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
    with served(database, cors_origins=ORIGIN, log_level="info", metrics_port=metrics_port) as service:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}") as client:
            allowed = await client.options("/tenants", headers=asked)
            refused = await client.options("/tenants", headers=asked | {"Access-Control-Request-Method": "PATCH"})
        log = [await asyncio.to_thread(service.log_until, each.headers["x-request-id"]) for each in (allowed, refused)]
        metrics = await asyncio.to_thread(scrape, metrics_port)
    lines = [json.loads(line) for line in log[-1].splitlines() if '"OPTIONS"' in line]
    assert [(line["status"], line["problem"]) for line in lines] == [(200, None), (400, "preflight_refused")]
    assert [line["request_id"] for line in lines] == [each.headers["x-request-id"] for each in (allowed, refused)]
    assert 'code="preflight_refused"' in metrics


@pytest.mark.parametrize("origins", ["*", "bank.example", "https://bank.example/path", "https://*.bank.example"])
def test_an_invalid_origin_is_refused(database: TestDatabase, origins: str) -> None:
    """A star would let every page call, and a path is never part of an origin."""
    with pytest.raises(ValueError, match="is not an origin"):
        database.settings(cors_origins=origins)


async def test_the_pages_can_be_switched_off(database: TestDatabase) -> None:
    """With the pages off, neither they nor the document are served, and the service works."""
    async with own_service(database.settings(docs=False)) as (_, client):
        for path in ("/docs", "/redoc", "/openapi.json", "/static-offline-docs/swagger-ui.css"):
            assert_problem(await client.get(path), 404, "route_not_found")
        assert (await client.get("/health")).status_code == 200


@pytest.mark.exhaustive
async def test_below_a_prefix(database: TestDatabase, hsbc: Organization) -> None:
    """Behind a proxy that takes a prefix away, pages and links lead back through the proxy."""
    with served(database, root_path="/bank") as service:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}") as client:
            page = await client.get("/docs")
            created = await create(client, hsbc.parent, new_subsidiary(hsbc.parent))
            listed = await client.get("/tenants?limit=1", headers=hsbc.parent.headers)
            document = (await client.get("/openapi.json")).json()
    assert "'/bank/openapi.json'" in page.text
    assert created.headers["location"] == f"/bank/tenants/{created.json()['tenant_id']}"
    assert listed.headers["link"].startswith("</bank/tenants?limit=1&cursor=")
    assert document["servers"] == [{"url": "/bank"}]


@pytest.mark.parametrize(
    "prefix", ["/\u00e9", "bank", "/", "/bank/", "//bank", "/a b", "/a?b", "/a#b", "/a\n", "/\x7f"]
)
def test_an_invalid_prefix_is_refused(database: TestDatabase, prefix: str) -> None:
    """A prefix that no request line can hold is refused by the settings."""
    with pytest.raises(ValueError, match="is not a path prefix: write it as /bank, in ASCII"):
        database.settings(root_path=prefix)


@pytest.mark.parametrize("prefix", ["", "/bank", "/bank/v1", "/%C3%A9"])
def test_a_valid_prefix_is_accepted(database: TestDatabase, prefix: str) -> None:
    """A valid prefix has no part, one or several, with encoded letters."""
    assert database.settings(root_path=prefix).root_path == prefix


async def test_a_weakened_tag_is_recognised(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """A proxy that compresses answers weakens tags, which then never match: 412 says so."""
    weak = await replace(client, hsbc.parent, hsbc.parent.tenant_id, "Renamed", If_Match='W/"1"')
    stale = await replace(client, hsbc.parent, hsbc.parent.tenant_id, "Renamed", If_Match='"9"')
    assert "proxy" in assert_problem(weak, 412, "precondition_failed")["detail"]
    assert "proxy" not in assert_problem(stale, 412, "precondition_failed")["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tenants?limit=1&limit=2"),
        ("GET", "/tenants?cursor=a&cursor=a"),
        ("DELETE", "/tenants/{id}?cascade=false&cascade=true"),
        ("GET", "/tenants/{id}?x=1&x=1"),
    ],
)
async def test_a_repeated_parameter_is_refused(
    client: httpx.AsyncClient, hsbc: Organization, method: str, path: str
) -> None:
    """A repeated parameter is refused, since parsers disagree which value counts."""
    url = path.replace("{id}", str(hsbc.subsidiaries[0].tenant_id))
    problem = assert_problem(await client.request(method, url, headers=hsbc.parent.headers), 422, "invalid_request")
    assert problem["errors"][0]["pointer"].startswith("/query/")
    still_there = await client.get(f"/tenants/{hsbc.subsidiaries[0].tenant_id}", headers=hsbc.parent.headers)
    assert still_there.status_code == 200


@pytest.mark.parametrize("limit", ["1_0", "%2B5", "%205", "5%20", "0x5", "\uff15"])
async def test_a_number_is_written_in_digits(client: httpx.AsyncClient, hsbc: Organization, limit: str) -> None:
    """A spelling that only Python reads as a number is refused."""
    answer = await client.get(f"/tenants?limit={limit}", headers=hsbc.parent.headers)
    assert_problem(answer, 422, "invalid_request")


BODIES: list[object] = [
    [], "x", 1, {}, {"name": 1}, {"name": None, "tenant_type": "x", "metadata": []},
    {"name": "x", "tenant_type": "parent", "parent_tenant_id": "x"}, {"name": "x", "tenant_type": 1, "extra": 1},
    {"name": "x", "tenant_type": "subsidiary", "parent_tenant_id": 7, "metadata": "x"},
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=str)
async def test_violations_are_told_in_words_of_http(
    client: httpx.AsyncClient, hsbc: Organization, body: object
) -> None:
    """No word of Python, or of the library that validates, reaches the client."""
    answer = await client.post("/tenants", headers=hsbc.parent.headers, json=body)
    for error in assert_problem(answer, 422, "invalid_request")["errors"]:
        assert not [
            word for word in ("Input", "dictionary", "extract", "instance", "valid ") if word in error["detail"]
        ]
