"""The one place where errors become answers."""

from http import HTTPMethod, HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from multi_tenant_db.errors import ApplicationError, InvalidRequest, MethodNotAllowed, PreconditionFailed, RouteNotFound
from multi_tenant_db.http.endpoint_error import EndpointError
from multi_tenant_db.http.problem_responses import problem_response
from multi_tenant_db.http.violations import in_our_words

STATUSES_WITHOUT_A_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED})

WEAKENED = (
    'If-Match holds a weak tag, W/"...", which never matches. A proxy that compresses answers weakens tags: send the '
    "tag without W/, or have the proxy leave it."
)

AT_THE_DOOR = "This is an API: GET /health, and /tenants with an access token. /docs describes it, where it is served."

METHODS_OF_MOUNTED_FILES = ("GET", "HEAD")
"""What /docs loads is mounted whole: no route says which methods it knows."""

log = structlog.get_logger()


def add_error_handlers(app: FastAPI) -> None:
    """Give the framework's own errors, and ours, one format."""
    app.exception_handler(ApplicationError)(handle_application_error)
    app.exception_handler(RequestValidationError)(handle_validation_error)
    app.exception_handler(HTTPException)(handle_http_exception)


async def handle_application_error(request: Request, error: ApplicationError | EndpointError) -> Response:
    """Answer with the problem document of an error of ours, or of an endpoint's."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        cause = repr(error.__cause__ or error)
        log.warning("failure", code=error.code, cause=cause, request_id=request.state.request_id)
    if isinstance(error, PreconditionFailed) and request.scope["state"].get("sent_a_weak_tag"):
        error = PreconditionFailed(WEAKENED)
    return problem_response(error, request.scope["state"])


async def handle_validation_error(request: Request, error: RequestValidationError) -> Response:
    """Answer 422 with a pointer for each violated rule; the offending values are not repeated."""
    errors = [
        {"pointer": _pointer(violation["loc"]), "detail": in_our_words(violation)} for violation in error.errors()
    ]
    return problem_response(InvalidRequest(errors=errors), request.scope["state"])


async def handle_http_exception(request: Request, error: HTTPException) -> Response:
    """Answer for the router: no such path, no such method; or for an endpoint that chose a status of its own."""
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return await handle_application_error(request, MethodNotAllowed(headers={"Allow": _allowed_methods(request)}))
    if error.status_code == HTTPStatus.NOT_FOUND and "route" not in request.scope:
        at_the_door = request.scope["path"] == f"{request.scope['root_path']}/"
        return await handle_application_error(request, RouteNotFound(AT_THE_DOOR if at_the_door else None))
    if error.status_code in STATUSES_WITHOUT_A_BODY or error.status_code < HTTPStatus.OK:
        return Response(status_code=error.status_code, headers=error.headers)
    return await handle_application_error(request, EndpointError(error))


def _allowed_methods(request: Request) -> str:
    """Return every method that some route takes: the router itself names those of the path's first endpoint only."""
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
