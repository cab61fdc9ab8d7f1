"""The format of errors."""

from typing import Annotated

from pydantic import BaseModel, Field

from multi_tenant_db.errors import ApplicationError
from multi_tenant_db.schemas.optional_parameter import OptionalParameter
from multi_tenant_db.schemas.problem_detail import ProblemDetail

CODES = sorted(error.code for error in ApplicationError.__subclasses__())
"""Custom endpoints may add others through FastAPI's HTTPException."""


class Problem(BaseModel):
    """An error as a problem document (RFC 9457)."""

    type: str = Field(description="Identifies the kind of problem.", examples=["urn:multi-tenant-db:tenant_not_found"])
    title: str = Field(description="Short description of the kind of problem.", examples=["The tenant does not exist"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(
        description="What happened and what to do next.", examples=["No tenant with this id is within your reach."]
    )
    code: str = Field(
        description="Stable name of the kind, for programs.",
        examples=["tenant_not_found"],
        json_schema_extra={"enum": [*CODES]},
    )
    request_id: str = Field(
        description="The request's id, also in the X-Request-ID header and in the log.",
        examples=["019a9f3e-7a10-7c52-b2aa-0d1f5c7e9b44"],
    )
    errors: Annotated[list[ProblemDetail] | None, OptionalParameter()] = Field(
        default=None,
        description="The violated rules; 422 only.",
        examples=[[{"pointer": "/body/name", "detail": "A name has 1 to 200 characters after trimming"}]],
    )
