"""The response of `GET /health`."""

from typing import Literal

from pydantic import BaseModel, Field

from multi_tenant_db import __version__
from multi_tenant_db.schemas.server_health import Database, SchemaRevision, ServerHealth


class HealthRead(BaseModel):
    """Health of the service and its databases; contains no secret.

    `database` and `schema_revision` are those of the default server.
    """

    status: Literal["healthy", "degraded", "unhealthy"] = Field(
        description="Overall result; `degraded` when only a part of several servers can be used.", examples=["healthy"]
    )
    version: str = Field(description="Version of the service.", examples=[__version__])
    database: Database
    schema_revision: SchemaRevision
    servers: dict[str, ServerHealth] = Field(
        {},
        description="Every server by label, where there are several.",
        examples=[{"default": {"database": "connected", "schema_revision": "current"}}],
    )
