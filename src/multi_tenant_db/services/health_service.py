"""Whether the service can do its work."""

from multi_tenant_db import __version__
from multi_tenant_db.database.schema_revision import REQUIRED_SCHEMA_REVISION
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
            revision = await self._schema.read_revision()
        except DatabaseUnavailable:
            return HealthRead(
                status="unhealthy", version=__version__, database="unreachable", schema_revision="unknown"
            )
        if revision != REQUIRED_SCHEMA_REVISION:
            return HealthRead(status="unhealthy", version=__version__, database="connected", schema_revision="mismatch")
        return HealthRead(status="healthy", version=__version__, database="connected", schema_revision="current")
