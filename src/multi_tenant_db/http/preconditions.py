"""If-Match and If-None-Match (RFC 9110, section 13.1); an entity tag is a tenant's version in quotes (section 8.8.3).

The OpenAPI document declares the two headers, but FastAPI does not read them: it would use the first line only, while
the lines of a header form one list (section 5.3).
"""

import re
from collections.abc import Iterable
from typing import Any

from fastapi import Request

from multi_tenant_db.errors import MalformedPrecondition
from multi_tenant_db.models import ANY_VERSION, VersionCondition

ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
ENTITY_TAG_LIST = re.compile(rf"[ \t,]*{ENTITY_TAG}(?:[ \t]*,[ \t,]*{ENTITY_TAG})*[ \t,]*")
HEADER_PATTERN = r'^(?:\*|(?:W/)?"[!#-~]*"(?: *, *(?:W/)?"[!#-~]*")*)$'
"""The pattern in the OpenAPI document: without the forms that a server accepts but a client should not send."""
VERSION_TAG = re.compile(r'"([1-9][0-9]{0,9})"')

MAX_ENTITY_TAGS = 100
"""A limit below the maximum number of parameters of a statement."""

MAX_VERSION = 2**31 - 1
"""The column's largest value; PostgreSQL raises an error for a larger parameter."""


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
        _declaration("If-Match", "Perform the request only if the tenant has one of these entity tags; otherwise 412."),
        _declaration(
            "If-None-Match",
            "Perform the request only if the tenant has none of these entity tags; otherwise 304, or 412 for a change.",
        ),
    ]
}
"""The headers in the OpenAPI document, for endpoints that read them."""


def read_conditions(request: Request) -> tuple[VersionCondition | None, VersionCondition | None]:
    """Return the conditions of If-Match and If-None-Match, None for an absent header; raises MalformedPrecondition."""
    if_match, if_none_match = _all_lines(request, "If-Match"), _all_lines(request, "If-None-Match")
    return (
        None if if_match is None else version_condition(if_match, None),
        None if if_none_match is None else version_condition(None, if_none_match),
    )


def read_write_condition(request: Request) -> VersionCondition:
    """Return the condition of both headers on the version that a write finds; raises MalformedPrecondition."""
    if_match, if_none_match = _all_lines(request, "If-Match"), _all_lines(request, "If-None-Match")
    if if_match is None and if_none_match is None:
        return ANY_VERSION
    request.state.sent_a_weak_tag = bool(if_match and "W/" in if_match)
    return version_condition(if_match, if_none_match)


def entity_tag(version: int) -> str:
    """Return the strong tag of a version."""
    return f'"{version}"'


def versions_matching(if_match: str | None) -> frozenset[int] | None:
    """Return the versions that If-Match accepts; None means any.

    The comparison is strong (RFC 9110, section 13.1.1): a weak tag matches nothing.
    Raises MalformedPrecondition.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    return _versions(_parse(if_match))


def version_condition(if_match: str | None, if_none_match: str | None) -> VersionCondition:
    """Return the condition of the headers: `If-None-Match: *` refuses every existing tenant.

    Tags of If-None-Match are compared weakly (section 13.1.2). Raises MalformedPrecondition.
    """
    accepted = versions_matching(if_match)
    if if_none_match is None:
        return VersionCondition(accepted)
    if if_none_match.strip() == "*":
        return VersionCondition(frozenset())
    return VersionCondition(accepted, _versions(tag.removeprefix("W/") for tag in _parse(if_none_match)))


def _versions(tags: Iterable[str]) -> frozenset[int]:
    versions = (int(match[1]) for tag in tags if (match := VERSION_TAG.fullmatch(tag)))
    return frozenset(version for version in versions if version <= MAX_VERSION)


def _parse(header: str) -> list[str]:
    if not ENTITY_TAG_LIST.fullmatch(header):
        raise MalformedPrecondition
    tags: list[str] = re.findall(ENTITY_TAG, header)
    if len(tags) > MAX_ENTITY_TAGS:
        raise MalformedPrecondition(f"Send at most {MAX_ENTITY_TAGS} entity tags.")
    return tags


def _all_lines(request: Request, name: str) -> str | None:
    lines = request.headers.getlist(name)
    return ", ".join(lines) if lines else None
