"""A repository whose deletions the foreign key refuses."""

from typing import Any
from uuid import UUID

from multi_tenant_db.errors import TenantHasSubsidiaries
from multi_tenant_db.repositories.tenant_repository import TenantRepository


class RefusedRepository(TenantRepository):
    """Meets a subsidiary that is added at the same moment."""

    async def remove(self, _tenant_id: UUID, **_how: Any) -> bool:  # type: ignore[override]  # names of its own
        """Fail as the foreign key does."""
        raise TenantHasSubsidiaries
