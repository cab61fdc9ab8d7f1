"""The health check."""

import asyncio
from collections.abc import Mapping
from typing import Literal

from multi_tenant_db import __version__
from multi_tenant_db.database.failures import is_without_fitting_server
from multi_tenant_db.errors import DatabaseUnavailable
from multi_tenant_db.repositories.schema_repository import SchemaRepository
from multi_tenant_db.schemas import HealthRead, ServerHealth
from multi_tenant_db.server_label import DEFAULT_SERVER


class HealthService:
    """Reports the state of the databases and their schemas, by the label of the server."""

    def __init__(self, schemas: Mapping[str, SchemaRepository], reads: Mapping[str, bool] | None = None) -> None:
        """Take also, of servers with standbys for reads, whether one of them is used."""
        self._schemas = schemas
        self._reads = reads or {}

    async def check_health(self) -> HealthRead:
        """Return the report; an unreachable database is reported, not raised."""
        found = await asyncio.gather(*map(_check_server, self._schemas.values()))
        servers = dict(zip(self._schemas, found, strict=True))
        for label, from_standby in self._reads.items():
            servers[label].reads = "standby" if from_standby else "primary"
        status = _overall([server.is_usable for server in found])
        default = servers[DEFAULT_SERVER].model_dump(exclude_unset=True)
        several = {"servers": servers} if len(servers) > 1 else {}
        return HealthRead(status=status, version=__version__, **default, **several)


async def _check_server(schema: SchemaRepository) -> ServerHealth:
    try:
        compatibility, is_read_only = await schema.read_compatibility()
    except DatabaseUnavailable as outage:
        reason: Literal["no_fitting_server", "unreachable"] = (
            "no_fitting_server" if is_without_fitting_server(outage) else "unreachable"
        )
        return ServerHealth(database=reason, schema_revision="unknown")
    return ServerHealth(database="read_only" if is_read_only else "connected", schema_revision=compatibility)


def _overall(usable: list[bool]) -> Literal["healthy", "degraded", "unhealthy"]:
    if all(usable):
        return "healthy"
    return "degraded" if any(usable) else "unhealthy"
