"""The query of `GET /tenants`."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from multi_tenant_db.models.page_cursor import PageCursor
from multi_tenant_db.models.tenant_type import TenantType
from multi_tenant_db.schemas.optional_parameter import OptionalParameter

CURSOR_PATTERN = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
"""32 bytes in base64url: the last character holds only four bits of them."""


def check_cursor(cursor: str) -> str:
    """Refuse what is not a cursor of this service."""
    try:
        PageCursor.decode(cursor)
    except ValueError:
        raise PydanticCustomError("cursor", "Pass the next_cursor of an earlier page unchanged") from None
    return cursor


def check_digits(limit: object) -> object:
    """Refuse what Python accepts as a number but other parsers do not: 1_0, +5, a digit of another script."""
    if isinstance(limit, str) and not re.fullmatch("[0-9]+", limit):
        raise PydanticCustomError("digits", "Write a number in digits")
    return limit


class TenantListQuery(BaseModel):
    """Which page of which tenants; unknown parameters are refused instead of ignored."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, BeforeValidator(check_digits)] = Field(
        100, ge=1, le=1000, description="Tenants on a page.", examples=[20]
    )
    cursor: Annotated[Annotated[str, AfterValidator(check_cursor)] | None, OptionalParameter(CURSOR_PATTERN)] = Field(
        None,
        description="`next_cursor` of the previous page.",
        examples=["AZqfPlwbfUKaUT8Mbx4regGan0Eefg9Rhv1Dx2ZrTPg"],
    )
    tenant_type: Annotated[TenantType | None, OptionalParameter()] = Field(
        None, description="Only tenants of this type.", examples=["subsidiary"]
    )
