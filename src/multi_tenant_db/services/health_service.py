"""The health check."""

from typing import Literal

from multi_tenant_db import __version__
from multi_tenant_db.database.failures import is_without_fitting_server
from multi_tenant_db.errors import DatabaseUnavailable
from multi_tenant_db.repositories.schema_repository import SchemaRepository
from multi_tenant_db.schemas import HealthRead


class HealthService:
    """Reports the state of the database and its schema."""

    def __init__(self, schema: SchemaRepository) -> None:
        self._schema = schema

    async def check_health(self) -> HealthRead:
        """Return the report; an unreachable database is reported, not raised."""
        try:
            compatibility, is_read_only = await self._schema.read_compatibility()
        except DatabaseUnavailable as outage:
            return HealthRead(
                status="unhealthy",
                version=__version__,
                database="no_fitting_server" if is_without_fitting_server(outage) else "unreachable",
                schema_revision="unknown",
            )
        status: Literal["healthy", "unhealthy"] = "unhealthy" if compatibility == "mismatch" else "healthy"
        return HealthRead(
            status=status,
            version=__version__,
            database="read_only" if is_read_only else "connected",
            schema_revision=compatibility,
        )
