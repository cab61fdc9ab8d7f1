"""If-Match and If-None-Match as dependencies: all lines of a header read as one list (RFC 9110, section 5.3)."""

from typing import Annotated

from fastapi import Depends, Header, Request

from multi_tenant_db.models import VersionCondition
from multi_tenant_db.routers.entity_tags import HEADER_PATTERN, version_condition
from multi_tenant_db.schemas import NeverNull

EXAMPLES = ['"1"']


async def all_lines_of_if_match(
    request: Request,
    _declared: Annotated[
        str | None,
        NeverNull(HEADER_PATTERN),
        Header(
            alias="If-Match",
            description="Act only if the tenant still has one of these entity tags; otherwise 412.",
            examples=EXAMPLES,
        ),
    ] = None,
) -> str | None:
    """Return the header whole: FastAPI declares it, and hands over its first line only."""
    return _all_lines(request, "If-Match")


async def all_lines_of_if_none_match(
    request: Request,
    _declared: Annotated[
        str | None,
        NeverNull(HEADER_PATTERN),
        Header(
            alias="If-None-Match",
            description="Act only if the tenant has none of these entity tags; otherwise 304, or 412 to a change.",
            examples=EXAMPLES,
        ),
    ] = None,
) -> str | None:
    """Return the header whole: FastAPI declares it, and hands over its first line only."""
    return _all_lines(request, "If-None-Match")


def _all_lines(request: Request, name: str) -> str | None:
    lines = request.headers.getlist(name)
    return ", ".join(lines) if lines else None


IfMatch = Annotated[str | None, Depends(all_lines_of_if_match)]
IfNoneMatch = Annotated[str | None, Depends(all_lines_of_if_none_match)]


async def read_write_condition(if_match: IfMatch, if_none_match: IfNoneMatch) -> VersionCondition:
    """Return what both headers together demand of the version that a change meets; raises MalformedPrecondition."""
    return version_condition(if_match, if_none_match)


WriteCondition = Annotated[VersionCondition, Depends(read_write_condition)]
