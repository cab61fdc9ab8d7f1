"""The one place where errors become answers."""

from http import HTTPMethod, HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from multi_tenant_db.errors import (
    ApplicationError,
    BodyTooLarge,
    InternalError,
    InvalidRequest,
    MalformedJson,
    MethodNotAllowed,
    RouteNotFound,
)
from multi_tenant_db.routers.problem_responses import problem_response

FRAMEWORK_ERRORS: dict[int, type[ApplicationError]] = {
    HTTPStatus.BAD_REQUEST: MalformedJson,
    HTTPStatus.NOT_FOUND: RouteNotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: MethodNotAllowed,
    HTTPStatus.CONTENT_TOO_LARGE: BodyTooLarge,
}

METHODS_OF_MOUNTED_FILES = ("GET", "HEAD")
"""What /docs loads is mounted whole: no route says which methods it knows."""

log = structlog.get_logger()


def add_error_handlers(app: FastAPI) -> None:
    """Give the framework's own errors, and ours, one format."""
    app.exception_handler(ApplicationError)(handle_application_error)
    app.exception_handler(RequestValidationError)(handle_validation_error)
    app.exception_handler(HTTPException)(handle_framework_error)


async def handle_application_error(request: Request, error: ApplicationError) -> Response:
    """Answer with the problem document of an error of ours."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("failure", code=error.code, cause=repr(error.__cause__), request_id=request.state.request_id)
    return problem_response(error, request.scope["state"])


async def handle_validation_error(request: Request, error: RequestValidationError) -> Response:
    """Answer 422 with a pointer for each violated rule; the offending values are not repeated."""
    errors = [{"pointer": _pointer(violation["loc"]), "detail": str(violation["msg"])} for violation in error.errors()]
    return problem_response(InvalidRequest(errors=errors), request.scope["state"])


async def handle_framework_error(request: Request, error: HTTPException) -> Response:
    """Answer for the router: no such path, no such method."""
    kind = FRAMEWORK_ERRORS.get(error.status_code, InternalError)
    headers = {"Allow": _allowed_methods(request)} if kind is MethodNotAllowed else error.headers
    return problem_response(kind(headers=headers), request.scope["state"])


def _allowed_methods(request: Request) -> str:
    """Return every method that some route takes: the router itself names those of the path's first endpoint only."""
    methods = [
        str(method)
        for method in HTTPMethod
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
    return ", ".join(methods or METHODS_OF_MOUNTED_FILES)


def _pointer(location: tuple[str | int, ...]) -> str:
    """Return a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)
