"""A response leaves after its commit and never without one; a transaction's context ends with the transaction."""

from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Message, Receive, Scope, Send

from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.http.authenticated_route import AuthenticatedRoute
from multi_tenant_db.models import TenantType
from multi_tenant_db.routers.tenants import tenant_service
from multi_tenant_db.schemas import TenantCreate
from tests.support.bodies import a_parent, a_replacement, a_subsidiary_of
from tests.support.organization import Organization
from tests.support.own_service import own_service
from tests.support.party import Party
from tests.support.problems import assert_problem
from tests.support.sabotage import DEFECT, SERIALIZATION_FAILURE, refused_names
from tests.support.test_database import TestDatabase

STATE = text("""
    SELECT pg_backend_pid() AS backend,
           coalesce(current_setting('app.current_tenant', true), '') AS token,
           current_user AS acting_as,
           session_user AS logged_in_as,
           (SELECT count(*) FROM tenancy.tenants) AS visible_tenants
""")


async def count(admin: asyncpg.Connection, name: str) -> int:
    """Return how many tenants of this name are committed."""
    found: int = await admin.fetchval("SELECT count(*) FROM tenancy.tenants WHERE name = $1", name)
    return found


@pytest.mark.parametrize(
    ("sqlstate", "status", "code"),
    [(DEFECT, 500, "internal_error"), (SERIALIZATION_FAILURE, 503, "database_unavailable")],
)
async def test_a_creation_whose_commit_fails_is_not_answered_as_done(  # noqa: PLR0913, PLR0917 - one row of a table
    client: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    sqlstate: str,
    status: int,
    code: str,
) -> None:
    """If the COMMIT fails, the answer is an error without Location, and no tenant is stored."""
    async with refused_names(as_admin, sqlstate, at_commit=True) as refused:
        body = a_subsidiary_of(hsbc.parent, f"{refused} subsidiary")
        response = await client.post("/tenants", headers=hsbc.parent.headers, json=body)
        assert_problem(response, status, code)
        assert "location" not in response.headers
        assert await count(as_admin, body["name"]) == 0
    response = await client.post("/tenants", headers=hsbc.parent.headers, json=body)
    assert response.status_code == 201


async def test_a_replacement_whose_commit_fails_is_not_answered_as_done(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """The tenant keeps its name and its version."""
    path = f"/tenants/{hsbc.parent.tenant_id}"
    before = await client.get(path, headers=hsbc.parent.headers)
    async with refused_names(as_admin, DEFECT, at_commit=True) as refused:
        response = await client.put(path, headers=hsbc.parent.headers, json=a_replacement(f"{refused} renamed"))
    assert_problem(response, 500, "internal_error")
    assert "etag" not in response.headers
    after = await client.get(path, headers=hsbc.parent.headers)
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])


async def test_when_the_status_leaves_the_change_is_visible(
    app: FastAPI, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """Another connection finds the new tenant at the moment in which the status line is sent."""
    body = a_subsidiary_of(hsbc.parent)
    seen: list[tuple[int, int]] = []

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        async def look_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.append((message["status"], await count(as_admin, body["name"])))
            await send(message)

        await app(scope, receive, look_and_send)

    transport = httpx.ASGITransport(observed)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        await client.post("/tenants", headers=hsbc.parent.headers, json=body)
    assert seen == [(201, 1)]


async def test_a_defect_rolls_back(database: TestDatabase, as_admin: asyncpg.Connection, hsbc: Organization) -> None:
    """The changes of an endpoint that fails are rolled back."""
    name = f"Written before a defect {uuid4()}"
    async with own_service(database.settings()) as (app, client):
        router = APIRouter(route_class=AuthenticatedRoute)

        @router.post("/defect")
        async def write_and_fail(request: Request) -> None:
            tenant = await tenant_service(request).create_tenant(
                TenantCreate(name=name, tenant_type=TenantType.SUBSIDIARY, parent_tenant_id=hsbc.parent.tenant_id)
            )
            raise RuntimeError(f"after {tenant.tenant_id} was written")

        app.include_router(router)
        assert_problem(await client.post("/defect", headers=hsbc.parent.headers), 500, "internal_error")
    assert await count(as_admin, name) == 0


async def state_of_the_connection(engine: AsyncEngine) -> dict[str, Any]:
    """Return what a request leaves on the pool's only connection."""
    async with transaction(engine) as session:
        return dict((await session.execute(STATE)).mappings().one())


async def test_no_context_survives_its_transaction(
    database: TestDatabase,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    barclays: Organization,
    platform_operator: Party,
) -> None:
    """After requests of every kind and outcome the one pooled connection has no caller and sees no tenant."""
    parent, subsidiary = hsbc.parent, hsbc.subsidiaries[0]
    own, foreign = f"/tenants/{parent.tenant_id}", f"/tenants/{barclays.parent.tenant_id}"
    async with (
        refused_names(as_admin, DEFECT, at_commit=True) as refused_late,
        refused_names(as_admin, DEFECT, at_commit=False) as refused,
        own_service(database.settings(pool_size=1)) as (app, client),
    ):
        engine = app.state.servers.default.engine
        clean = await state_of_the_connection(engine)
        backend = clean.pop("backend")
        assert clean == {
            "token": "",
            "acting_as": "tenancy_api",
            "logged_in_as": "tenancy_api",
            "visible_tenants": 0,
        }
        requests: list[tuple[Party, str, str, Any, int]] = [
            (parent, "GET", "/tenants", None, 200),
            (subsidiary, "GET", own, None, 404),
            (platform_operator, "GET", "/tenants", None, 200),
            (platform_operator, "GET", own, None, 200),
            (platform_operator, "DELETE", own, None, 409),
            (platform_operator, "POST", "/tenants", a_subsidiary_of(subsidiary), 422),
            (platform_operator, "POST", "/tenants", a_parent(f"{refused} parent"), 500),
            (platform_operator, "POST", "/tenants", a_parent(f"{refused_late} parent"), 500),
            (platform_operator, "POST", "/tenants", a_parent(), 201),
            (parent, "POST", "/tenants", a_subsidiary_of(parent), 201),
            (parent, "POST", "/tenants", a_subsidiary_of(parent, parent.name), 409),
            (parent, "POST", "/tenants", a_subsidiary_of(barclays.parent), 403),
            (parent, "PUT", own, a_replacement(f"{refused} parent"), 500),
            (parent, "PUT", own, a_replacement(f"{refused_late} parent"), 500),
            (parent, "PUT", foreign, a_replacement(), 404),
            (parent, "DELETE", own, None, 403),
            (Party(uuid4(), "unknown", "mtdb_unknown"), "GET", "/tenants", None, 401),
        ]
        for caller, method, path, body, status in requests:
            contents = {} if body is None else {"json": body}
            response = await client.request(method, path, headers=caller.headers, **contents)
            assert response.status_code == status
            assert await state_of_the_connection(engine) == clean | {"backend": backend}, (method, path)
