"""`GET /health`."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from multi_tenant_db.errors import AmbiguousHeaders, HeadersTooLarge, InternalError, RequestTimedOut, TargetTooLong
from multi_tenant_db.routers.dependencies import Health
from multi_tenant_db.routers.problem_responses import declare_problems
from multi_tenant_db.schemas import HealthRead

router = APIRouter(tags=["health"])


@router.get(
    "/health",
    summary="Report the health of the service",
    responses=declare_problems(AmbiguousHeaders, TargetTooLong, HeadersTooLarge, InternalError, RequestTimedOut)
    | {503: {"model": HealthRead, "description": "Unhealthy: the members say what is wrong."}},
)
async def check_health(response: Response, service: Health) -> HealthRead:
    """Whether the service reaches its database and finds the schema it was made for. Needs no token."""
    health = await service.check_health()
    if health.status == "unhealthy":
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return health
