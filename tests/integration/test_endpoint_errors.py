"""Errors of an adopter's endpoint: a chosen status stays, and a defect is a 500 with a traceback in the log."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request

from multi_tenant_db.database.session import Session
from multi_tenant_db.development.ports import free_port
from multi_tenant_db.http.authenticated_route import AuthenticatedRoute
from multi_tenant_db.schemas import TenantCreate
from tests.support.organization import Organization
from tests.support.own_service import own_service
from tests.support.problems import assert_problem
from tests.support.test_database import TestDatabase

Failure = Callable[[], Exception]


async def get_session(request: Request) -> Session:
    """Return the session of the caller's transaction."""
    session: Session = request.state.session
    return session


OwnSession = Annotated[Session, Depends(get_session)]

CHOSEN = {
    "conflict": (lambda: HTTPException(409, "the account is closed"), 409, "the account is closed"),
    "not found": (lambda: HTTPException(404, "no such account"), 404, "no such account"),
    "bad request": (lambda: HTTPException(400, "the amount is negative"), 400, "the amount is negative"),
    "too large": (lambda: HTTPException(413, "one megabyte is enough"), 413, "one megabyte is enough"),
    "teapot": (lambda: HTTPException(418, {"a": 1}), 418, '{"a": 1}'),
    "by default": (lambda: HTTPException(403), 403, "Forbidden"),
    "unknown status": (lambda: HTTPException(499, "gone"), 499, "gone"),
    "its own 500": (lambda: HTTPException(500, "the ledger is closed"), 500, "the ledger is closed"),
}
CODES = {
    "teapot": "im_a_teapot",
    "by default": "forbidden",
    "unknown status": "status_499",
    "too large": "content_too_large",
}

DEFECTS: list[Failure] = [
    lambda: FileNotFoundError("template"),
    lambda: TimeoutError("a partner's service"),
    lambda: ConnectionError("a partner's service"),
    lambda: asyncpg.InterfaceError("misused"),
    lambda: asyncpg.InternalClientError("misused"),
    lambda: KeyError("misspelt"),
]


def fail_with(app: FastAPI, failure: Failure) -> None:
    """Add an endpoint in the caller's transaction, which asks the database and then fails."""
    router = APIRouter(route_class=AuthenticatedRoute)

    @router.get("/failure")
    async def fail(session: OwnSession) -> None:
        await session.sign_in()
        raise failure()

    @router.post("/body")
    async def read(body: TenantCreate, _session: OwnSession) -> str:
        return body.name

    @router.get("/silent")
    async def say(_session: OwnSession) -> str:
        return "said without asking"

    app.router.routes[:0] = router.routes


@pytest.fixture
async def service(database: TestDatabase) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """Run a service of the test's own."""
    async with own_service(database.settings()) as service:
        yield service


@pytest.mark.parametrize("name", CHOSEN)
async def test_a_chosen_status_stays(
    service: tuple[FastAPI, httpx.AsyncClient], hsbc: Organization, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """FastAPI's HTTPException keeps status and detail, as a problem document; from 500 on it is logged, too."""
    failure, status, detail = CHOSEN[name]
    app, client = service
    fail_with(app, failure)
    answer = await client.get("/failure", headers=hsbc.parent.headers)

    problem = assert_problem(answer, status, CODES.get(name, answer.json()["code"]))
    assert problem["detail"] == detail
    assert ("the ledger is closed" in capsys.readouterr().out) == (status >= 500)


async def test_headers_of_a_chosen_status_stay(service: tuple[FastAPI, httpx.AsyncClient], hsbc: Organization) -> None:
    """HTTPException keeps its headers, and a status without a body has none."""
    app, client = service
    fail_with(app, lambda: HTTPException(429, "slowly", {"Retry-After": "7"}))
    assert (await client.get("/failure", headers=hsbc.parent.headers)).headers["retry-after"] == "7"
    fail_with(app, lambda: HTTPException(304, headers={"ETag": '"1"'}))
    unchanged = await client.get("/failure", headers=hsbc.parent.headers)
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", '"1"')


@pytest.mark.parametrize("failure", DEFECTS, ids=lambda failure: type(failure()).__name__)
async def test_a_defect_is_logged_with_its_traceback(
    service: tuple[FastAPI, httpx.AsyncClient],
    hsbc: Organization,
    failure: Failure,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever its class, what the endpoint's own code raises is a 500 and never looks like a database that is away."""
    app, client = service
    fail_with(app, failure)
    answer = await client.get("/failure", headers=hsbc.parent.headers)

    problem = assert_problem(answer, 500, "internal_error")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (defect,) = [line for line in lines if line["event"] == "unhandled_exception"]
    assert defect["request_id"] == problem["request_id"]
    assert "raise failure()" in defect["exception"]


async def test_a_422_costs_no_connection(database: TestDatabase) -> None:
    """What validation refuses is refused although there is no database at all; a valid request is 503."""
    nowhere = database.settings(database_url=f"postgresql://127.0.0.1:{free_port()}/nowhere")
    headers = {"Authorization": "Bearer mtdb_x"}
    async with own_service(nowhere) as (_, client):
        assert_problem(await client.post("/tenants", headers=headers, json={}), 422, "invalid_request")
        assert_problem(await client.get("/tenants?limit=0", headers=headers), 422, "invalid_request")
        assert_problem(await client.get("/tenants?cursor=x", headers=headers), 422, "invalid_request")
        assert_problem(await client.get("/tenants/x", headers=headers), 422, "invalid_request")
        assert_problem(await client.get("/tenants", headers=headers), 503, "database_unavailable")


async def test_an_endpoint_that_asks_nothing_still_needs_a_live_token(
    service: tuple[FastAPI, httpx.AsyncClient], hsbc: Organization
) -> None:
    """The token of a request is verified also where the endpoint has no statement."""
    app, client = service
    fail_with(app, RuntimeError)
    assert (await client.get("/silent", headers=hsbc.parent.headers)).status_code == 200
    stranger = {"Authorization": "Bearer mtdb_unknown"}
    assert_problem(await client.get("/silent", headers=stranger), 401, "authentication_required")
    body = {"name": "x", "tenant_type": "parent", "metadata": {}}
    assert_problem(await client.post("/body", headers=stranger, json=body), 401, "authentication_required")
