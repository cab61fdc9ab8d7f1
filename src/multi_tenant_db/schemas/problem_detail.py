"""One violated rule."""

from pydantic import BaseModel, Field


class ProblemDetail(BaseModel):
    """One violated rule, and where in the request it is."""

    pointer: str = Field(
        description="JSON Pointer into the request: /body, /query, /path or /header, then the member.",
        examples=["/body/name"],
    )
    detail: str = Field(description="What is wrong.", examples=["A name has 1 to 200 characters after trimming"])
