"""Every error, the framework's own included, in one format; and the request id of every answer."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.development.ports import free_port
from tests.support.answers import observable
from tests.support.bodies import in_pieces
from tests.support.endpoints import SIGNED_IN_ENDPOINTS, SOME_ID
from tests.support.organization import Organization
from tests.support.own_service import own_service
from tests.support.problems import assert_problem, pointers
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

MAX_BODY_BYTES = 65_536

each_endpoint = pytest.mark.parametrize(("method", "path", "contents"), SIGNED_IN_ENDPOINTS)

ALLOWED = {
    "/health": {"GET", "HEAD"},
    "/tenants": {"GET", "HEAD", "POST"},
    f"/tenants/{SOME_ID}": {"GET", "HEAD", "PUT", "DELETE"},
    "/openapi.json": {"GET", "HEAD"},
    "/docs": {"GET", "HEAD"},
    "/redoc": {"GET", "HEAD"},
    "/static-offline-docs/swagger-ui.css": {"GET", "HEAD"},
}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"}


@pytest.mark.parametrize(
    "path", ["/", "/tenant", "/tenants/", "/tenants/1/2", "/Tenants", "/health/", "/docs/x", "/%00"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_no_such_path(client: httpx.AsyncClient, method: str, path: str) -> None:
    """A path of no endpoint is 404 without a redirect, and not the 404 of a tenant."""
    assert_problem(await client.request(method, path), 404, "route_not_found")


@pytest.mark.parametrize(
    ("path", "method"), [(path, method) for path, known in ALLOWED.items() for method in sorted(METHODS - known)]
)
async def test_no_such_method(client: httpx.AsyncClient, path: str, method: str) -> None:
    """Allow names every method of the path, so also those of the path's other endpoints."""
    response = await client.request(method, path)
    assert set(response.headers["allow"].split(", ")) == ALLOWED[path]
    assert_problem(response, 405, "method_not_allowed")


@each_endpoint
async def test_without_a_token_the_challenge_names_no_error(
    client: httpx.AsyncClient, method: str, path: str, contents: dict[str, Any]
) -> None:
    """WWW-Authenticate names the scheme, and no error, since no token was tried (RFC 6750, section 3.1)."""
    for headers in ({}, {"Authorization": "Basic dXNlcjpwYXNz"}, {"Authorization": "Bearer"}, {"Authorization": ""}):
        response = await client.request(method, path, headers=headers, **contents)
        assert_problem(response, 401, "authentication_required")
        assert response.headers["www-authenticate"] == "Bearer"


@each_endpoint
async def test_a_token_that_is_not_live_is_invalid(
    client: httpx.AsyncClient, method: str, path: str, contents: dict[str, Any]
) -> None:
    """WWW-Authenticate says invalid_token."""
    headers = {"Authorization": "Bearer mtdb_" + "x" * 43}
    response = await client.request(method, path, headers=headers, **contents)
    assert_problem(response, 401, "authentication_required")
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_invalid_tokens_get_one_answer(client: httpx.AsyncClient, registry: Registry, hsbc: Organization) -> None:
    """Unknown, expired and revoked tokens get one answer, byte for byte."""
    tenant_id = hsbc.parent.tenant_id
    expired = await registry.issue_token(tenant_id, tenant_id, timedelta(microseconds=1))
    revoked = await registry.issue_token(tenant_id, tenant_id)
    await registry.revoke(revoked)
    answers = [
        await client.get("/tenants", headers={"Authorization": f"Bearer {token}"})
        for token in ("mtdb_" + "x" * 43, expired, revoked)
    ]
    assert answers[0].status_code == 401
    assert observable(answers[0]) == observable(answers[1]) == observable(answers[2])


@pytest.mark.parametrize(
    "token",
    [
        b"a\x00b",
        b"\x00",
        b"\xff\xfe",
        "é".encode(),
        b"x" * 15_000,
        b"' OR '1'='1",
        b"a b",
        b"%s",
        b":token",
        b"\\",
        b"=",
    ],
    ids=lambda token: repr(token[:12]),
)
async def test_malformed_tokens_are_a_401(client: httpx.AsyncClient, token: bytes) -> None:
    """Any bytes in the place of a token are a 401."""
    response = await client.get("/tenants", headers=[(b"Authorization", b"Bearer " + token)])
    assert_problem(response, 401, "authentication_required")
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/problem+json",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/jsonx",
        "json",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/tenants"), ("PUT", f"/tenants/{SOME_ID}")])
async def test_only_json_is_read(
    client: httpx.AsyncClient, hsbc: Organization, method: str, path: str, content_type: str | None
) -> None:
    """Anything not declared as JSON in UTF-8 is 415, even if it looks like it."""
    headers = hsbc.parent.headers | ({} if content_type is None else {"Content-Type": content_type})
    response = await client.request(method, path, headers=headers, content=b'{"name": "x", "metadata": {}}')
    assert_problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
async def test_json_may_be_declared_in_every_usual_way(
    client: httpx.AsyncClient, hsbc: Organization, content_type: str
) -> None:
    """Case and charset do not matter, as long as it is JSON in UTF-8."""
    response = await client.put(
        f"/tenants/{hsbc.parent.tenant_id}",
        headers=hsbc.parent.headers | {"Content-Type": content_type},
        content=b'{"name": "x", "metadata": {}}',
    )
    assert response.status_code == 200


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in pieces"])
@pytest.mark.parametrize(("excess", "status"), [(0, 200), (1, 413), (5_000_000, 413)])
async def test_a_body_has_a_limit(
    client: httpx.AsyncClient, hsbc: Organization, chunked: bool, excess: int, status: int
) -> None:
    """The last byte allowed is read; one more is 413, whether or not the length was declared."""
    body = b'{"name": "x", "metadata": {}}'.ljust(MAX_BODY_BYTES + excess)
    response = await client.put(
        f"/tenants/{hsbc.parent.tenant_id}",
        headers=hsbc.parent.headers | {"Content-Type": "application/json"},
        content=in_pieces(body) if chunked else body,
    )
    assert response.status_code == status
    if status == 413:
        assert_problem(response, 413, "body_too_large")


async def test_a_violation_repeats_no_value(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """A 422 says where and what, and never echoes what was sent."""
    body = {"name": ["secret-1"], "tenant_type": "secret-2", "parent_tenant_id": "secret-3", "metadata": "secret-4"}
    response = await client.post("/tenants?x=secret-5", headers=hsbc.parent.headers, json=body)
    body_members = [f"/body/{name}" for name in body]
    assert pointers(response) == ["/query/x", *body_members]
    assert "secret" not in response.text


async def test_a_defect_is_answered_and_not_explained(database: TestDatabase, hsbc: Organization) -> None:
    """An unexpected exception becomes a 500 that tells nothing of it, and the service goes on."""
    async with own_service(database.settings()) as (app, client):

        @app.get("/defect")
        async def fail() -> None:
            raise RuntimeError("the secret of the defect")

        response = await client.get("/defect", headers={"X-Request-ID": "request-of-a-defect"})
        assert_problem(response, 500, "internal_error")
        assert response.json()["request_id"] == "request-of-a-defect"
        assert "secret" not in response.text
        assert (await client.get("/tenants", headers=hsbc.parent.headers)).status_code == 200


@each_endpoint
async def test_without_a_database_nothing_works_for_now(
    database: TestDatabase, method: str, path: str, contents: dict[str, Any]
) -> None:
    """An unreachable server is 503 with Retry-After: never 401, 404 or 500."""
    settings = database.settings(database_url=f"postgresql://127.0.0.1:{free_port()}/nowhere")
    async with own_service(settings) as (_, client):
        headers = {"Authorization": "Bearer mtdb_x"}
        response = await client.request(method, path, headers=headers, **contents)
        assert_problem(response, 503, "database_unavailable")
        assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "change",
    [
        {"api_password": "wrong"},
        {"database_url": "postgresql://{host}/no_such_database"},
    ],
)
async def test_a_refused_login_of_the_service_is_not_the_callers_fault(
    database: TestDatabase, hsbc: Organization, change: dict[str, str]
) -> None:
    """When the server turns the service away, a caller with a live token is told 503 and not 401."""
    host = f"{database.admin_url.host}:{database.admin_url.port}"
    settings = database.settings(**{name: value.format(host=host) for name, value in change.items()})
    async with own_service(settings) as (_, client):
        response = await client.get("/tenants", headers=hsbc.parent.headers)
        assert_problem(response, 503, "database_unavailable")


async def test_an_exhausted_pool_is_a_503(database: TestDatabase, hsbc: Organization) -> None:
    """A request without a connection in time is a 503; health has its own connection; later requests succeed."""
    settings = database.settings(pool_size=1, pool_timeout_seconds=0.1)
    async with own_service(settings) as (app, client):
        async with transaction(app.state.servers.default.engine):
            answers = await asyncio.gather(*(client.get("/tenants", headers=hsbc.parent.headers) for _ in range(3)))
            for answer in answers:
                assert_problem(answer, 503, "database_unavailable")
            assert (await client.get("/health")).json()["status"] == "healthy"
        assert (await client.get("/tenants", headers=hsbc.parent.headers)).status_code == 200


async def test_health_without_a_database(database: TestDatabase) -> None:
    """The health check reports what it found instead of failing, and names no server."""
    port = free_port()
    async with own_service(database.settings(database_url=f"postgresql://127.0.0.1:{port}/nowhere")) as (_, client):
        response = await client.get("/health")
    assert response.status_code == 503
    report = response.json()
    assert (report["status"], report["database"], report["schema_revision"]) == ("unhealthy", "unreachable", "unknown")
    assert str(port) not in response.text


async def test_health_needs_no_token(client: httpx.AsyncClient) -> None:
    """A healthy service says so without a token, and ignores an invalid one."""
    for headers in ({}, {"Authorization": "Bearer x"}):
        response = await client.get("/health", headers=headers)
        assert response.status_code == 200
        report = response.json()
        del report["version"]
        assert report == {"status": "healthy", "database": "connected", "schema_revision": "current"}


@pytest.mark.parametrize("given", ["12345678", "a" * 64, "019a9f3e-7a10-7c52-b2aa-0d1f5c7e9b44", "Trace_1.2-3"])
async def test_a_well_formed_request_id_is_kept(client: httpx.AsyncClient, hsbc: Organization, given: str) -> None:
    """The client's id comes back on success and in errors."""
    headers = hsbc.parent.headers | {"X-Request-ID": given}
    for path, status in (("/tenants", 200), (f"/tenants/{uuid4()}", 404), ("/tenants?limit=0", 422), ("/x", 404)):
        response = await client.get(path, headers=headers)
        assert (response.status_code, response.headers.get_list("x-request-id")) == (status, [given])
        assert status == 200 or response.json()["request_id"] == given


@pytest.mark.parametrize(
    "given", ["", "1234567", "a" * 65, "two words", "semi;colon", "größe-12", '{"a": "b"}', "<script>"]
)
async def test_any_other_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    """A malformed request id is replaced by a UUID and not repeated anywhere."""
    headers = httpx.Headers({"X-Request-ID": given}, encoding="utf-8")
    response = await client.get("/tenants", headers=headers)
    made = assert_problem(response, 401, "authentication_required")["request_id"]
    assert str(UUID(made)) == made


async def test_every_answer_has_an_id_of_its_own(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Also answers without a body: 200, 304, 204 and errors."""
    path = f"/tenants/{hsbc.subsidiaries[0].tenant_id}"
    headers = hsbc.parent.headers
    answers = [
        await client.get(path, headers=headers),
        await client.get(path, headers=headers | {"If-None-Match": "*"}),
        await client.delete(path, headers=headers),
        await client.delete(path, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [200, 304, 204, 404]
    assert len({UUID(answer.headers["x-request-id"]) for answer in answers}) == 4
