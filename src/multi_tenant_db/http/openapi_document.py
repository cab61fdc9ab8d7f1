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
            _declare_request_id(document)
            _drop_unused_schemas(document)
        return describe()

    app.openapi = describe_correctly  # type: ignore[method-assign] # as FastAPI documents


def _declare_problems_only(document: dict[str, Any]) -> None:
    """Remove application/json from errors; FastAPI adds it to every response with a model."""
    for item in document["paths"].values():
        for operation in item.values():
            operation["responses"] = dict(sorted(operation["responses"].items()))
            for response in operation["responses"].values():
                if PROBLEM_MEDIA_TYPE in response.get("content", {}):
                    response["content"].pop("application/json", None)


def _declare_request_id(document: dict[str, Any]) -> None:
    """Declare the X-Request-ID header of every response."""
    for item in document["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values():
                response.setdefault("headers", {}).update(REQUEST_ID)


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
