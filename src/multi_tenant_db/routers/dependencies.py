"""All wiring: what each endpoint is given, and what that is made of."""

from typing import Annotated

from fastapi import Depends, Request

from multi_tenant_db.database.session import Session
from multi_tenant_db.http.bearer_service import BearerService
from multi_tenant_db.repositories.request_repository import RequestRepository
from multi_tenant_db.repositories.schema_repository import SchemaRepository
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.services.health_service import HealthService
from multi_tenant_db.services.tenant_service import TenantService


def make_tenant_service(session: Session) -> TenantService:
    """Put the service together for one request."""
    return TenantService(session.sign_in, TenantRepository(session), RequestRepository(session))


async def get_health_service(request: Request) -> HealthService:
    """Give the health check a connection of its own: a service that is busy to the last connection is not ill."""
    return HealthService(SchemaRepository(request.app.state.health_engine))


SignedIn = Annotated[TenantService, Depends(BearerService(make_tenant_service))]
Health = Annotated[HealthService, Depends(get_health_service)]
