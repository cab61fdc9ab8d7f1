"""The answer of `GET /health`."""

from typing import Literal

from pydantic import BaseModel, Field

from multi_tenant_db import __version__


class HealthRead(BaseModel):
    """Whether the service can do its work, and what it found; holds no secret."""

    status: Literal["healthy", "unhealthy"] = Field(description="Overall result.", examples=["healthy"])
    version: str = Field(description="Version of the service.", examples=[__version__])
    database: Literal["connected", "read_only", "unreachable"] = Field(
        description="Whether the database answers; `read_only` as on a standby, where every write is 503.",
        examples=["connected"],
    )
    schema_revision: Literal["current", "compatible", "mismatch", "unknown"] = Field(
        description="Whether the database's schema is the one this version was made for, "
        "or a newer one that declares itself compatible with it.",
        examples=["current"],
    )
