"""The application: `uvicorn benchmarks.peers.rowstile.main:app`."""

import os
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Query, Request
from rowstile import NotFound
from rowstile.fastapi import Rowstile
from rowstile.sqlalchemy import expect
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from benchmarks.peers.rowstile.tenant import Tenant
from benchmarks.peers.textbook.page_out import PageOut
from benchmarks.peers.textbook.tenant_in import TenantIn
from benchmarks.peers.textbook.tenant_out import TenantOut

TABLE = "governed.tenants"


def user_of(request: Request) -> str | None:
    """Return the caller, which each transaction of the request signs in as."""
    return request.headers.get("x-tenant-id")


engine = create_async_engine(
    os.environ["BENCH_DATABASE_URL"].replace("postgresql:", "postgresql+asyncpg:", 1),
    pool_size=int(os.environ["BENCH_POOL_SIZE"]),
    max_overflow=0,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()
Rowstile(app, engine, user=user_of)


@app.get("/tenants/{tenant_id}")
async def read_tenant(tenant_id: UUID) -> TenantOut:
    """Read a tenant."""
    async with sessions() as session:
        tenant = await session.get(Tenant, tenant_id)
        if tenant is None:
            raise NotFound(TABLE, tenant_id)
        return TenantOut.model_validate(tenant)


@app.get("/tenants")
async def list_tenants(limit: Annotated[int, Query(ge=1, le=1000)] = 100, cursor: UUID | None = None) -> PageOut:
    """List a page, by id."""
    query = select(Tenant).order_by(Tenant.tenant_id).limit(limit + 1)
    if cursor is not None:
        query = query.where(Tenant.tenant_id > cursor)
    async with sessions() as session:
        tenants = (await session.scalars(query)).all()
    items = [TenantOut.model_validate(tenant) for tenant in tenants[:limit]]
    return PageOut(items=items, next_cursor=items[-1].tenant_id if len(tenants) > limit else None)


@app.post("/tenants", status_code=201)
async def create_tenant(body: TenantIn) -> TenantOut:
    """Create a tenant."""
    async with sessions.begin() as session:
        tenant = Tenant(
            name=body.name,
            tenant_type=body.tenant_type,
            parent_tenant_id=body.parent_tenant_id,
            metadata_=body.metadata,
        )
        session.add(tenant)
        await session.flush()
        return TenantOut.model_validate(tenant)


@app.put("/tenants/{tenant_id}")
async def replace_tenant(tenant_id: UUID, body: TenantIn) -> TenantOut:
    """Replace name and metadata."""
    async with sessions.begin() as session:
        tenant = await session.get(Tenant, tenant_id)
        if tenant is None:
            raise NotFound(TABLE, tenant_id)
        tenant.name, tenant.metadata_ = body.name, body.metadata
        await session.flush()
        return TenantOut.model_validate(tenant)


@app.delete("/tenants/{tenant_id}", status_code=204)
async def delete_tenant(tenant_id: UUID) -> None:
    """Delete a tenant."""
    async with sessions.begin() as session:
        result = await session.execute(delete(Tenant).where(Tenant.tenant_id == tenant_id))
        await expect(session, result, TABLE, "delete", tenant_id)
