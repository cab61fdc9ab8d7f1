"""The application: `uvicorn benchmarks.peers.textbook.main:app`."""

import os
from collections.abc import AsyncIterator
from inspect import signature
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException, Query
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.peers.textbook.page_out import PageOut
from benchmarks.peers.textbook.tenant import Tenant
from benchmarks.peers.textbook.tenant_in import TenantIn
from benchmarks.peers.textbook.tenant_out import TenantOut

engine = create_async_engine(
    os.environ["BENCH_DATABASE_URL"].replace("postgresql:", "postgresql+asyncpg:", 1),
    pool_size=int(os.environ["BENCH_POOL_SIZE"]),
    max_overflow=0,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


async def get_session(x_tenant_id: Annotated[UUID, Header()]) -> AsyncIterator[AsyncSession]:
    """Open a transaction in which the variable names the caller's tenant."""
    async with sessions() as session, session.begin():
        await session.execute(
            text("SELECT set_config('app.current_tenant', :tenant_id, true)"), {"tenant_id": str(x_tenant_id)}
        )
        yield session


# Commits before the response is sent, like the service; versions of FastAPI without scopes always do.
SCOPE: dict[str, Any] = {"scope": "function"} if "scope" in signature(Depends).parameters else {}
Session = Annotated[AsyncSession, Depends(get_session, **SCOPE)]


async def find_tenant(tenant_id: UUID, session: Session) -> Tenant:
    """Return the tenant of the path; raises 404."""
    tenant = await session.get(Tenant, tenant_id)
    if tenant is None:
        raise HTTPException(404)
    return tenant


FoundTenant = Annotated[Tenant, Depends(find_tenant)]


@app.get("/tenants/{tenant_id}")  # noqa: FAST003 - find_tenant takes it
async def read_tenant(tenant: FoundTenant) -> TenantOut:
    """Read a tenant."""
    return TenantOut.model_validate(tenant)


@app.get("/tenants")
async def list_tenants(
    session: Session, limit: Annotated[int, Query(ge=1, le=1000)] = 100, cursor: UUID | None = None
) -> PageOut:
    """List a page, by id."""
    query = select(Tenant).order_by(Tenant.tenant_id).limit(limit + 1)
    if cursor is not None:
        query = query.where(Tenant.tenant_id > cursor)
    tenants = (await session.scalars(query)).all()
    items = [TenantOut.model_validate(tenant) for tenant in tenants[:limit]]
    return PageOut(items=items, next_cursor=items[-1].tenant_id if len(tenants) > limit else None)


@app.post("/tenants", status_code=201)
async def create_tenant(body: TenantIn, session: Session) -> TenantOut:
    """Create a tenant."""
    tenant = Tenant(
        name=body.name,
        tenant_type=body.tenant_type,
        parent_tenant_id=body.parent_tenant_id,
        metadata_=body.metadata,
    )
    session.add(tenant)
    await session.flush()
    return TenantOut.model_validate(tenant)


@app.put("/tenants/{tenant_id}")  # noqa: FAST003 - find_tenant takes it
async def replace_tenant(tenant: FoundTenant, body: TenantIn, session: Session) -> TenantOut:
    """Replace name and metadata."""
    tenant.name, tenant.metadata_ = body.name, body.metadata
    await session.flush()
    return TenantOut.model_validate(tenant)


@app.delete("/tenants/{tenant_id}", status_code=204)  # noqa: FAST003 - find_tenant takes it
async def delete_tenant(tenant: FoundTenant, session: Session) -> None:
    """Delete a tenant."""
    await session.delete(tenant)
