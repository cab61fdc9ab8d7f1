"""`GET /health`."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from multi_tenant_db.http.openapi_document import name_operation
from multi_tenant_db.http.openapi_responses import declare_response
from multi_tenant_db.http.problem_responses import PROBLEMS_OF_EVERY_ROUTE, declare_problems
from multi_tenant_db.http.whole_request_route import WholeRequestRoute
from multi_tenant_db.repositories.schema_repository import SchemaRepository
from multi_tenant_db.schemas import HealthRead
from multi_tenant_db.schemas.examples import HEALTHY, UNHEALTHY
from multi_tenant_db.services.health_service import HealthService

router = APIRouter(tags=["health"], route_class=WholeRequestRoute, generate_unique_id_function=name_operation)


async def get_health_service(request: Request) -> HealthService:
    """Use connections of their own: a service that uses all its connections is not unhealthy."""
    servers = request.app.state.servers
    reads = {server.label: server.reads.has_fit_standby() for server in servers if server.reads}
    return HealthService({server.label: SchemaRepository(server.health_engine) for server in servers}, reads)


Health = Annotated[HealthService, Depends(get_health_service)]


@router.get(
    "/health",
    summary="Report the health of the service",
    response_model_exclude_unset=True,
    responses=declare_problems(*PROBLEMS_OF_EVERY_ROUTE)
    | declare_response(200, "Healthy.", HEALTHY)
    | {503: {"model": HealthRead, **declare_response(503, "Unhealthy: the members state the reason.", UNHEALTHY)[503]}},
)
async def check_health(response: Response, service: Health) -> HealthRead:
    """Report whether the service can reach its databases and supports their schemas. Needs no token.

    Where one of several servers is away, the service is `degraded`, with 200: it serves the others' organisations.
    """
    health = await service.check_health()
    if health.status == "unhealthy":
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return health
