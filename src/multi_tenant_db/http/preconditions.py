"""If-Match and If-None-Match: all lines of a header read as one list (RFC 9110, section 5.3).

The OpenAPI document declares them, FastAPI does not read them: it would hand over the first line only, and slowly.
"""

from typing import Annotated, Any

from fastapi import Depends, Request

from multi_tenant_db.http.entity_tags import HEADER_PATTERN, version_condition
from multi_tenant_db.models import VersionCondition


def _declaration(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": HEADER_PATTERN, "title": name, "description": description}
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {**schema, "examples": ['"1"']},
    }


CONDITIONAL: dict[str, Any] = {
    "parameters": [
        _declaration("If-Match", "Act only if the tenant still has one of these entity tags; otherwise 412."),
        _declaration(
            "If-None-Match", "Act only if the tenant has none of these entity tags; otherwise 304, or 412 to a change."
        ),
    ]
}
"""What an endpoint that reads them adds to the OpenAPI document."""


def read_conditions(request: Request) -> tuple[VersionCondition, VersionCondition]:
    """Return what If-Match and what If-None-Match demand of a version; raises MalformedPrecondition."""
    return (
        version_condition(_all_lines(request, "If-Match"), None),
        version_condition(None, _all_lines(request, "If-None-Match")),
    )


async def read_write_condition(request: Request) -> VersionCondition:
    """Return what both headers together demand of the version that a change meets; raises MalformedPrecondition."""
    if_match = _all_lines(request, "If-Match")
    request.state.sent_a_weak_tag = bool(if_match and "W/" in if_match)
    return version_condition(if_match, _all_lines(request, "If-None-Match"))


def _all_lines(request: Request, name: str) -> str | None:
    lines = request.headers.getlist(name)
    return ", ".join(lines) if lines else None


WriteCondition = Annotated[VersionCondition, Depends(read_write_condition)]
