"""All wiring: what each endpoint is given, and what that is made of."""

from typing import Annotated

from fastapi import Depends, Request

from multi_tenant_db.repositories.request_repository import RequestRepository
from multi_tenant_db.repositories.schema_repository import SchemaRepository
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.services.health_service import HealthService
from multi_tenant_db.services.tenant_service import TenantService


async def get_tenant_service(request: Request) -> TenantService:
    """Build the service on the session of the caller's transaction, which AuthenticatedRoute opens."""
    session = request.state.session
    return TenantService(session.sign_in, TenantRepository(session), RequestRepository(session))


async def get_health_service(request: Request) -> HealthService:
    """Give the health check a connection of its own: a service that uses all its connections is not unhealthy."""
    return HealthService(SchemaRepository(request.app.state.health_engine))


Tenants = Annotated[TenantService, Depends(get_tenant_service)]
Health = Annotated[HealthService, Depends(get_health_service)]
