"""The response of `GET /health`."""

from typing import Literal

from pydantic import BaseModel, Field

from multi_tenant_db import __version__


class HealthRead(BaseModel):
    """Health of the service and its database; contains no secret."""

    status: Literal["healthy", "unhealthy"] = Field(description="Overall result.", examples=["healthy"])
    version: str = Field(description="Version of the service.", examples=[__version__])
    database: Literal["connected", "read_only", "no_fitting_server", "unreachable"] = Field(
        description=(
            "Whether the database is reachable; `read_only` as on a standby, where every write is 503; "
            "`no_fitting_server` when servers respond, but none as the URL asks for, as during a failover."
        ),
        examples=["connected"],
    )
    schema_revision: Literal["current", "compatible", "mismatch", "unknown"] = Field(
        description="Whether the schema has this version's revision, or a newer one that is declared compatible.",
        examples=["current"],
    )
