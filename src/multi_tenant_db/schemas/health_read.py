"""The response of `GET /health`."""

from typing import Literal

from pydantic import Field

from multi_tenant_db import __version__
from multi_tenant_db.schemas.server_health import ServerHealth


class HealthRead(ServerHealth):
    """Health of the service and its databases; contains no secret. The members without a server are the default's."""

    status: Literal["healthy", "degraded", "unhealthy"] = Field(
        description="Overall result; `degraded` when only a part of several servers can be used.", examples=["healthy"]
    )
    version: str = Field(description="Version of the service.", examples=[__version__])
    servers: dict[str, ServerHealth] = Field({}, description="Every server by label, where there are several.")
