"""The query of `DELETE /tenants/{tenant_id}`."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


def check_word(cascade: object) -> object:
    """Refuse what pydantic would accept as a boolean but other parsers would not: 1, yes, on, True."""
    if isinstance(cascade, str) and cascade not in {"true", "false"}:
        raise PydanticCustomError("bool_parsing", "Write true or false")
    return cascade


class TenantDeleteQuery(BaseModel):
    """What to delete; unknown parameters are refused instead of ignored."""

    model_config = ConfigDict(extra="forbid")

    cascade: Annotated[bool, BeforeValidator(check_word)] = Field(
        False, description="Also delete the subsidiaries, all or nothing.", examples=[False]
    )
