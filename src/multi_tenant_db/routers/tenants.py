"""The five endpoints on tenants."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request, Response

from multi_tenant_db.errors import (
    AmbiguousHeaders,
    IdempotencyKeyReused,
    InvalidRequest,
    MalformedJson,
    MalformedPrecondition,
    MalformedRequest,
    NameTaken,
    OperationNotPermitted,
    ParentNotFound,
    PreconditionFailed,
    ReadOnlyToken,
    RequestInProgress,
    SubsidiaryQuotaReached,
    TenantHasSubsidiaries,
    TenantNotFound,
    UnsupportedMediaType,
)
from multi_tenant_db.http.authenticated_route import AuthenticatedRoute
from multi_tenant_db.http.openapi_document import name_operation
from multi_tenant_db.http.openapi_responses import ETAG, LINK, LOCATION, declare_response
from multi_tenant_db.http.preconditions import CONDITIONAL, entity_tag, read_conditions, read_write_condition
from multi_tenant_db.http.problem_responses import PROBLEMS_OF_AUTHENTICATED_ROUTES, declare_problems
from multi_tenant_db.repositories.request_repository import RequestRepository
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.schemas import (
    NoQuery,
    OptionalParameter,
    TenantCreate,
    TenantDeleteQuery,
    TenantListQuery,
    TenantPage,
    TenantRead,
    TenantUpdate,
)
from multi_tenant_db.schemas.examples import PAGE, REPLACED_TENANT, TENANT
from multi_tenant_db.services.idempotent_creation import IdempotentCreation
from multi_tenant_db.services.tenant_service import TenantService

router = APIRouter(
    prefix="/tenants",
    tags=["tenants"],
    route_class=AuthenticatedRoute,
    generate_unique_id_function=name_operation,
    responses=declare_problems(*PROBLEMS_OF_AUTHENTICATED_ROUTES),
)

TenantPath = Annotated[
    UUID, Path(description="The tenant's identifier.", examples=["019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a"])
]
IdempotencyKey = Annotated[
    str | None,
    OptionalParameter(),
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="A key of your choice, unique for each tenant to create; makes a retry safe.",
        examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    ),
]
Parameterless = Annotated[NoQuery, Query()]


def tenant_service(request: Request) -> TenantService:
    """Create the service on the session of the caller's transaction, which AuthenticatedRoute opens."""
    session = request.state.session
    return TenantService(session.sign_in, TenantRepository(session))


@router.post(
    "",
    summary="Create a tenant",
    status_code=HTTPStatus.CREATED,
    responses=declare_response(201, "The new tenant.", TENANT, LOCATION, ETAG)
    | declare_problems(
        AmbiguousHeaders,
        MalformedRequest,
        MalformedJson,
        OperationNotPermitted,
        ReadOnlyToken,
        NameTaken,
        SubsidiaryQuotaReached,
        UnsupportedMediaType,
        InvalidRequest,
        ParentNotFound,
        IdempotencyKeyReused,
        RequestInProgress,
    ),
)
async def create_tenant(
    request: Request,
    response: Response,
    body: TenantCreate,
    _query: Parameterless,
    idempotency_key: IdempotencyKey = None,
) -> TenantRead:
    """Create a subsidiary under your own parent tenant, whose id is your own. Only a platform operator creates parents.

    With an `Idempotency-Key`, repeating the request within 24 hours returns the first response and creates nothing.
    """
    creation = IdempotentCreation(tenant_service(request), RequestRepository(request.state.session))
    tenant = await creation.create_tenant(body, idempotency_key)
    response.headers["Location"] = f"{request.scope['path']}/{tenant.tenant_id}"
    response.headers["ETag"] = entity_tag(tenant.version)
    return tenant


@router.get("", summary="List tenants", responses=declare_response(200, "One page.", PAGE, LINK))
async def list_tenants(request: Request, response: Response, query: Annotated[TenantListQuery, Query()]) -> TenantPage:
    """List the tenants within your reach: a parent sees itself and its subsidiaries, a subsidiary sees itself."""
    tenants, next_cursor = await tenant_service(request).list_tenants(
        limit=query.limit, cursor=query.cursor, tenant_type=query.tenant_type
    )
    if next_cursor is not None:
        following = query.model_copy(update={"cursor": next_cursor})
        parameters = urlencode(following.model_dump(exclude_none=True, exclude_defaults=True))
        response.headers["Link"] = f'<{request.scope["path"]}?{parameters}>; rel="next"'
    return TenantPage.model_validate({"items": tenants, "next_cursor": next_cursor}, from_attributes=True)


@router.get(
    "/{tenant_id}",
    summary="Read a tenant",
    responses={304: {"description": "The tenant still has the version named in If-None-Match."}}
    | declare_response(200, "The tenant.", TENANT, ETAG)
    | declare_problems(AmbiguousHeaders, MalformedRequest, MalformedPrecondition, TenantNotFound, PreconditionFailed),
    response_model=TenantRead,
    openapi_extra=CONDITIONAL,
)
async def read_tenant(
    request: Request, response: Response, tenant_id: TenantPath, _query: Parameterless
) -> TenantRead | Response:
    """Read one tenant. Tenants outside your reach are reported as not found."""
    if_match, if_none_match = read_conditions(request)
    tenant = await tenant_service(request).get_tenant(tenant_id, if_match)
    etag = {"ETag": entity_tag(tenant.version)}
    if if_none_match is not None and not if_none_match.holds_for(tenant.version):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=etag)
    response.headers.update(etag)
    return TenantRead.model_validate(tenant)


@router.put(
    "/{tenant_id}",
    summary="Replace a tenant's name and metadata",
    responses=declare_response(200, "The updated tenant.", REPLACED_TENANT, ETAG)
    | declare_problems(
        AmbiguousHeaders,
        MalformedRequest,
        MalformedJson,
        MalformedPrecondition,
        ReadOnlyToken,
        TenantNotFound,
        NameTaken,
        PreconditionFailed,
        UnsupportedMediaType,
    ),
    openapi_extra=CONDITIONAL,
)
async def replace_tenant(
    request: Request, response: Response, tenant_id: TenantPath, body: TenantUpdate, _query: Parameterless
) -> TenantRead:
    """Replace name and metadata. Send the ETag as If-Match to avoid overwriting a concurrent change."""
    condition = read_write_condition(request)
    service = tenant_service(request)
    tenant = await service.replace_tenant(tenant_id, name=body.name, metadata=body.metadata, condition=condition)
    response.headers["ETag"] = entity_tag(tenant.version)
    return TenantRead.model_validate(tenant)


@router.delete(
    "/{tenant_id}",
    summary="Delete a tenant",
    status_code=HTTPStatus.NO_CONTENT,
    response_description="The tenant was deleted.",
    responses=declare_problems(
        AmbiguousHeaders,
        MalformedRequest,
        MalformedPrecondition,
        OperationNotPermitted,
        ReadOnlyToken,
        TenantNotFound,
        TenantHasSubsidiaries,
        PreconditionFailed,
    ),
    openapi_extra=CONDITIONAL,
)
async def delete_tenant(request: Request, tenant_id: TenantPath, query: Annotated[TenantDeleteQuery, Query()]) -> None:
    """Delete a tenant and its access tokens. With subsidiaries, this requires `cascade=true` and deletes them, too."""
    condition = read_write_condition(request)
    await tenant_service(request).delete_tenant(tenant_id, cascade=query.cascade, condition=condition)
