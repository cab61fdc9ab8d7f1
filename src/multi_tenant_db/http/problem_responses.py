"""Errors as problem documents (RFC 9457): in responses and in the OpenAPI document."""

from itertools import groupby
from typing import Any

from fastapi.responses import Response

from multi_tenant_db.errors import (
    AmbiguousHeaders,
    ApplicationError,
    AuthenticationRequired,
    BodyTooLarge,
    BodyTooSlow,
    DatabaseUnavailable,
    HeadersTooLarge,
    InternalError,
    InvalidRequest,
    MalformedRequest,
    RequestTimedOut,
    ServiceOverloaded,
    TargetTooLong,
    TooManyRequests,
)
from multi_tenant_db.http.endpoint_error import EndpointError
from multi_tenant_db.schemas import Problem

PROBLEM_MEDIA_TYPE = "application/problem+json"

PROBLEMS_OF_EVERY_ROUTE: tuple[type[ApplicationError], ...] = (
    AmbiguousHeaders,
    MalformedRequest,
    BodyTooSlow,
    BodyTooLarge,
    TargetTooLong,
    HeadersTooLarge,
    InternalError,
    RequestTimedOut,
)
"""The errors that the process and the middleware may answer any request with."""

PROBLEMS_OF_AUTHENTICATED_ROUTES = (
    *PROBLEMS_OF_EVERY_ROUTE,
    AuthenticationRequired,
    InvalidRequest,
    TooManyRequests,
    DatabaseUnavailable,
    ServiceOverloaded,
)
"""The same for a router with `AuthenticatedRoute`; each endpoint declares its own errors beside them."""

RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}, "example": "1"},
}
CHALLENGE = {
    "WWW-Authenticate": {
        "required": True,
        "description": "How to authenticate (RFC 6750).",
        "schema": {"type": "string"},
        "example": 'Bearer error="invalid_token"',
    },
}


def problem_response(error: ApplicationError | EndpointError, state: dict[str, Any]) -> Response:
    """Return the problem document of an error; store its code in the request's state, for log and metrics."""
    state["problem"] = error.code
    problem = _problem(error, str(error), state["request_id"], error.members)
    return Response(
        problem.model_dump_json(exclude_none=True),
        status_code=error.status,
        headers=_headers(error),
        media_type=PROBLEM_MEDIA_TYPE,
    )


def _headers(error: ApplicationError | EndpointError) -> dict[str, str]:
    if isinstance(error, EndpointError) or error.retry_after_seconds is None:
        return error.headers
    return {"Retry-After": str(error.retry_after_seconds), **error.headers}


def declare_problems(*errors: type[ApplicationError]) -> dict[int | str, dict[str, Any]]:
    """Return entries for an endpoint's `responses`: each status with an example of each problem."""
    by_status = sorted(errors, key=lambda error: error.status)
    return {status: _declaration(list(kinds)) for status, kinds in groupby(by_status, key=lambda error: error.status)}


def _declaration(errors: list[type[ApplicationError]]) -> dict[str, Any]:
    examples = {
        error.code: {
            "summary": error.title,
            "value": _problem(
                error, error.detail, "019a9f3e-7a10-7c52-b2aa-0d1f5c7e9b44", error.example_members
            ).model_dump(exclude_none=True),
        }
        for error in errors
    }
    headers: dict[str, Any] = {}
    if AuthenticationRequired in errors:
        headers |= CHALLENGE
    if any(error.retry_after_seconds is not None for error in errors):
        headers |= RETRY_AFTER
    return {
        "model": Problem,
        **({"headers": headers} if headers else {}),
        "description": " ".join(f"`{error.code}`: {error.title}." for error in errors),
        "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
    }


def _problem(
    error: ApplicationError | EndpointError | type[ApplicationError],
    detail: str,
    request_id: str,
    members: dict[str, Any],
) -> Problem:
    return Problem(
        type=f"urn:multi-tenant-db:{error.code}",
        title=error.title,
        status=error.status,
        detail=detail,
        code=error.code,
        request_id=request_id,
        **members,
    )
