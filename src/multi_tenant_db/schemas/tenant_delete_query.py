"""The query of `DELETE /tenants/{tenant_id}`."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


def check_word(answer: object) -> object:
    """Refuse what Python would take for a yes or a no, and another reader would not: 1, yes, on, True."""
    if isinstance(answer, str) and answer not in {"true", "false"}:
        raise PydanticCustomError("bool_parsing", "Write true or false")
    return answer


class TenantDeleteQuery(BaseModel):
    """How much to delete; a misspelt parameter is an error, not a surprise."""

    model_config = ConfigDict(extra="forbid")

    cascade: Annotated[bool, BeforeValidator(check_word)] = Field(
        False, description="Also delete the subsidiaries, all or nothing.", examples=[False]
    )
