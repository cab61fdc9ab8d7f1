"""Corrections of FastAPI's OpenAPI document."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from multi_tenant_db.http.authenticated_route import SECURITY_SCHEME
from multi_tenant_db.http.problem_responses import PROBLEM_MEDIA_TYPE

PREFIX = "#/components/schemas/"

REQUEST_ID = {
    "X-Request-ID": {
        "required": True,
        "description": "The request's id, also in the log and the audit trail.",
        "schema": {"type": "string"},
        "example": "019a9f3e-7a10-7c52-b2aa-0d1f5c7e9b44",
    }
}

RATE_LIMIT = {
    "RateLimit-Policy": {
        "description": "Requests (q) in so many seconds (w), if the service limits organisations.",
        "schema": {"type": "string"},
        "example": '"organization";q=100;w=1',
    },
    "RateLimit": {
        "description": "Requests that are left (r), and seconds until all are available (t).",
        "schema": {"type": "string"},
        "example": '"organization";r=99;t=1',
    },
}
"""Draft-ietf-httpapi-ratelimit-headers."""

BEARER_TOKEN = {
    "type": "http",
    "description": 'An access token, as printed by `make token TENANT="HSBC"` or `mtdb token issue`.',
    "scheme": "bearer",
}


def name_operation(route: APIRoute) -> str:
    """Return the function's name as the operation's id, which generated clients use."""
    return route.name


def correct_openapi(app: FastAPI) -> None:
    """Declare problem documents as the only error type, and the headers of every response."""
    describe = app.openapi

    def describe_correctly() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = describe()
            document["components"]["securitySchemes"] = {SECURITY_SCHEME: BEARER_TOKEN}
            _declare_problems_only(document)
            _declare_headers(document)
            _drop_unused_schemas(document)
        return describe()

    app.openapi = describe_correctly  # type: ignore[method-assign]  # as FastAPI documents


def _declare_problems_only(document: dict[str, Any]) -> None:
    """Remove application/json from errors; FastAPI adds it to every response with a model."""
    for item in document["paths"].values():
        for operation in item.values():
            operation["responses"] = dict(sorted(operation["responses"].items()))
            for response in operation["responses"].values():
                if PROBLEM_MEDIA_TYPE in response.get("content", {}):
                    response["content"].pop("application/json", None)


def _declare_headers(document: dict[str, Any]) -> None:
    """Declare the X-Request-ID header of every response, and the rate limit's of those to a token."""
    for item in document["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values():
                response.setdefault("headers", {}).update(REQUEST_ID)
                if "security" in operation:
                    response["headers"].update(RATE_LIMIT)


def _drop_unused_schemas(document: dict[str, Any]) -> None:
    """Remove Pydantic's recursive JsonValue, which client generators do not support."""
    schemas = document["components"]["schemas"]
    used = set(_references(document))
    document["components"]["schemas"] = {name: schema for name, schema in schemas.items() if PREFIX + name in used}


def _references(element: Any) -> Iterator[str]:
    match element:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for member in element.values():
                yield from _references(member)
        case list():
            for member in element:
                yield from _references(member)
