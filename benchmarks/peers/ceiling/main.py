"""The application: `uvicorn benchmarks.peers.ceiling.main:app`."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TENANT = """json_build_object(
    'tenant_id', tenant_id, 'name', name, 'tenant_type', tenant_type, 'parent_tenant_id', parent_tenant_id,
    'metadata', metadata, 'version', version, 'created_at', created_at, 'updated_at', updated_at)"""
READ = f"SELECT {TENANT}::text FROM plain.tenants WHERE tenant_id = $1"
LIST = f"""
    SELECT tenant_id, {TENANT}::text AS tenant
    FROM (SELECT * FROM plain.tenants WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2) AS page
"""
CREATE = f"""
    INSERT INTO plain.tenants (name, tenant_type, parent_tenant_id, metadata) VALUES ($1, $2, $3, $4)
    RETURNING {TENANT}::text
"""
REPLACE = f"""
    UPDATE plain.tenants SET name = $2, metadata = $3 WHERE tenant_id = $1
    RETURNING {TENANT}::text
"""
IN_ONE_MESSAGE = """
    WITH caller AS MATERIALIZED (SELECT set_config('app.current_tenant', ${caller}, true))
    SELECT found.* FROM caller LEFT JOIN LATERAL ({query}) AS found ON true
"""
DELETE = "DELETE FROM plain.tenants WHERE tenant_id = $1 RETURNING ''"
FIRST = UUID(int=0)


async def keep_session(_connection: asyncpg.Connection) -> None:
    """Skip the reset of asyncpg's pool."""


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the pool."""
    size = int(os.environ["BENCH_POOL_SIZE"])
    async with asyncpg.create_pool(
        os.environ["BENCH_DATABASE_URL"], min_size=size, max_size=size, reset=keep_session
    ) as app.state.pool:
        yield


async def fetch(request: Request, query: str, *values: Any) -> list[asyncpg.Record]:
    """Run one statement in the caller's transaction."""
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('app.current_tenant', $1, true)", request.headers["x-tenant-id"])
        rows: list[asyncpg.Record] = await connection.fetch(query, *values)
        return rows


async def read(request: Request, query: str, *values: Any) -> list[asyncpg.Record]:
    """Run one SELECT, in one message with the context if the peer is to do so."""
    if not os.environ.get("BENCH_READS_IN_ONE_MESSAGE"):
        return await fetch(request, query, *values)
    async with request.app.state.pool.acquire() as connection:
        message = IN_ONE_MESSAGE.format(caller=len(values) + 1, query=query)
        rows: list[asyncpg.Record] = await connection.fetch(message, *values, request.headers["x-tenant-id"])
        return rows if rows[0][0] is not None else []


def respond(rows: list[asyncpg.Record], status: int = 200) -> Response:
    """Return PostgreSQL's JSON, or 404."""
    return Response(rows[0][0], status, media_type="application/json") if rows else Response(status_code=404)


async def read_tenant(request: Request) -> Response:
    """Read a tenant."""
    return respond(await read(request, READ, request.path_params["tenant_id"]))


async def list_tenants(request: Request) -> Response:
    """List a page, by id."""
    limit = int(request.query_params["limit"])
    rows = await read(request, LIST, request.query_params.get("cursor", FIRST), limit + 1)
    cursor = f'"{rows[limit - 1]["tenant_id"]}"' if len(rows) > limit else "null"
    items = ",".join(row["tenant"] for row in rows[:limit])
    return Response(f'{{"items":[{items}],"next_cursor":{cursor}}}', media_type="application/json")


async def create_tenant(request: Request) -> Response:
    """Create a tenant."""
    body = await request.json()
    values = (body["name"], body["tenant_type"], body["parent_tenant_id"], json.dumps(body["metadata"]))
    return respond(await fetch(request, CREATE, *values), 201)


async def replace_tenant(request: Request) -> Response:
    """Replace name and metadata."""
    body = await request.json()
    values = (request.path_params["tenant_id"], body["name"], json.dumps(body["metadata"]))
    return respond(await fetch(request, REPLACE, *values))


async def delete_tenant(request: Request) -> Response:
    """Delete a tenant."""
    return respond(await fetch(request, DELETE, request.path_params["tenant_id"]), 204)


app = Starlette(
    routes=[
        Route("/tenants", list_tenants),
        Route("/tenants", create_tenant, methods=["POST"]),
        Route("/tenants/{tenant_id}", read_tenant),
        Route("/tenants/{tenant_id}", replace_tenant, methods=["PUT"]),
        Route("/tenants/{tenant_id}", delete_tenant, methods=["DELETE"]),
    ],
    lifespan=lifespan,
)
