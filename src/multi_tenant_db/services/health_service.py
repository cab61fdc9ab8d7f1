"""Whether the service can do its work."""

from typing import Literal

from multi_tenant_db import __version__
from multi_tenant_db.errors import DatabaseUnavailable
from multi_tenant_db.repositories.schema_repository import SchemaRepository
from multi_tenant_db.schemas import HealthRead


class HealthService:
    """Asks the database one question, and reports what came back."""

    def __init__(self, schema: SchemaRepository) -> None:
        self._schema = schema

    async def check_health(self) -> HealthRead:
        """Return the report; an unreachable database is a finding here, not an error."""
        try:
            fit, is_read_only = await self._schema.read_compatibility()
        except DatabaseUnavailable:
            return HealthRead(
                status="unhealthy", version=__version__, database="unreachable", schema_revision="unknown"
            )
        status: Literal["healthy", "unhealthy"] = "unhealthy" if fit == "mismatch" else "healthy"
        return HealthRead(
            status=status,
            version=__version__,
            database="read_only" if is_read_only else "connected",
            schema_revision=fit,
        )
