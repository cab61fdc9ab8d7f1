"""Entity tags (RFC 9110, section 8.8.3): a tenant's version in quotes."""

import re
from collections.abc import Iterable

from multi_tenant_db.errors import MalformedPrecondition
from multi_tenant_db.models import VersionCondition

ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
ENTITY_TAG_LIST = re.compile(rf"[ \t,]*{ENTITY_TAG}(?:[ \t]*,[ \t,]*{ENTITY_TAG})*[ \t,]*")
HEADER_PATTERN = r'^(?:\*|(?:W/)?"[!#-~]*"(?: *, *(?:W/)?"[!#-~]*")*)$'
"""What the OpenAPI document says of a header: the same, without what only the robust reader forgives."""
VERSION_TAG = re.compile(r'"([1-9][0-9]{0,9})"')

MAX_ENTITY_TAGS = 100
"""More than any client holds, and far fewer than the parameters that one statement may have."""

MAX_VERSION = 2**31 - 1
"""What the column holds; PostgreSQL would refuse to compare it with anything larger."""


def entity_tag(version: int) -> str:
    """Return the strong tag of a version."""
    return f'"{version}"'


def versions_matching(if_match: str | None) -> frozenset[int] | None:
    """Return the versions that If-Match accepts; None, any.

    The comparison is strong, as RFC 9110, section 13.1.1, demands: a weak tag matches nothing.
    Raises MalformedPrecondition.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    return _versions(_parse(if_match))


def version_condition(if_match: str | None, if_none_match: str | None) -> VersionCondition:
    """Return what the headers demand: `If-None-Match: *` refuses whatever exists.

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
