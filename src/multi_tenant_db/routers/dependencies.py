"""All wiring: from the bearer token through the transaction to the service."""

import re
from collections.abc import AsyncIterator
from inspect import signature
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from multi_tenant_db.database.tenant_session import tenant_session
from multi_tenant_db.errors import AuthenticationRequired
from multi_tenant_db.repositories.request_repository import RequestRepository
from multi_tenant_db.repositories.schema_repository import SchemaRepository
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.services.health_service import HealthService
from multi_tenant_db.services.tenant_service import TenantService

bearer_token = HTTPBearer(
    auto_error=False,
    scheme_name="AccessToken",
    description='An access token, as `make token TENANT="HSBC"` or `mtdb token issue` prints it.',
)

BEARER_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What a token may look like (RFC 6750, section 2.1); PostgreSQL has no text that could hold a NUL."""

CHALLENGE = 'Bearer error="invalid_token"'

# Commit before the response leaves. FastAPI has done so only on request since 0.121; up to 0.117 it always did.
BEFORE_THE_RESPONSE: dict[str, Any] = {"scope": "function"} if "scope" in signature(Depends).parameters else {}


async def open_tenant_service(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_token)]
) -> AsyncIterator[TenantService]:
    """Open the caller's transaction around the endpoint, and give it the service that works inside."""
    if credentials is None:
        raise AuthenticationRequired(headers={"WWW-Authenticate": "Bearer"})
    if not BEARER_TOKEN.fullmatch(credentials.credentials):
        raise AuthenticationRequired(headers={"WWW-Authenticate": CHALLENGE})
    engine = request.app.state.engine
    try:
        async with tenant_session(engine, credentials.credentials, request.state.request_id) as (session, caller):
            request.state.caller = caller
            yield TenantService(caller, TenantRepository(session), RequestRepository(session))
    except AuthenticationRequired as error:
        error.headers["WWW-Authenticate"] = CHALLENGE
        raise


async def get_health_service(request: Request) -> HealthService:
    """Give the health check a connection of its own: a service that is busy to the last connection is not ill."""
    return HealthService(SchemaRepository(request.app.state.health_engine))


SignedIn = Annotated[TenantService, Depends(open_tenant_service, **BEFORE_THE_RESPONSE)]
Health = Annotated[HealthService, Depends(get_health_service)]
