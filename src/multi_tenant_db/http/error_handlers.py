"""Converts errors to responses."""

from http import HTTPMethod, HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from multi_tenant_db.errors import ApplicationError, InvalidRequest, MethodNotAllowed, PreconditionFailed, RouteNotFound
from multi_tenant_db.http.endpoint_error import EndpointError
from multi_tenant_db.http.problem_responses import problem_response
from multi_tenant_db.http.violations import describe_violation

STATUSES_WITHOUT_A_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED})

WEAK_TAG_DETAIL = (
    'If-Match contains a weak tag, W/"...", which never matches. Proxies that compress responses weaken tags: send the '
    "tag without W/, or configure the proxy to keep it."
)

ROOT_DETAIL = "This is an API: GET /health, and /tenants with an access token. /docs describes it, if enabled."

METHODS_OF_MOUNTED_FILES = ("GET", "HEAD")
"""The files that /docs loads are mounted as an application; its route lists no methods."""

log = structlog.get_logger()


def add_error_handlers(app: FastAPI) -> None:
    """Install handlers that give the framework's errors and the service's the same format."""
    app.exception_handler(ApplicationError)(handle_application_error)
    app.exception_handler(RequestValidationError)(handle_validation_error)
    app.exception_handler(HTTPException)(handle_http_exception)


async def handle_application_error(request: Request, error: ApplicationError | EndpointError) -> Response:
    """Respond with the problem document of the error."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        cause = repr(error.__cause__ or error)
        log.warning("failure", code=error.code, cause=cause, request_id=request.state.request_id)
    if isinstance(error, PreconditionFailed) and request.scope["state"].get("sent_a_weak_tag"):
        error = PreconditionFailed(WEAK_TAG_DETAIL)
    return problem_response(error, request.scope["state"])


async def handle_validation_error(request: Request, error: RequestValidationError) -> Response:
    """Respond with 422 and a pointer for each violated rule; the invalid values are not repeated."""
    errors = [
        {"pointer": _pointer(violation["loc"]), "detail": describe_violation(violation)} for violation in error.errors()
    ]
    return problem_response(InvalidRequest(errors=errors), request.scope["state"])


async def handle_http_exception(request: Request, error: HTTPException) -> Response:
    """Respond to the router's 404 and 405, and to an HTTPException of an endpoint."""
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return await handle_application_error(request, MethodNotAllowed(headers={"Allow": _allowed_methods(request)}))
    if error.status_code == HTTPStatus.NOT_FOUND and "route" not in request.scope:
        is_root = request.scope["path"] == f"{request.scope['root_path']}/"
        return await handle_application_error(request, RouteNotFound(ROOT_DETAIL if is_root else None))
    if error.status_code in STATUSES_WITHOUT_A_BODY or error.status_code < HTTPStatus.OK:
        return Response(status_code=error.status_code, headers=error.headers)
    return await handle_application_error(request, EndpointError(error))


def _allowed_methods(request: Request) -> str:
    """Return the methods of all routes of the path; the router reports only those of the first."""
    methods = [
        str(method)
        for method in HTTPMethod
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
    if HTTPMethod.GET in methods and HTTPMethod.HEAD not in methods:
        methods.insert(methods.index(HTTPMethod.GET) + 1, HTTPMethod.HEAD)
    return ", ".join(methods or METHODS_OF_MOUNTED_FILES)


def _pointer(location: tuple[str | int, ...]) -> str:
    """Return a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)
