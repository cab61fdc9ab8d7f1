"""A repository whose caller loses a race."""

from typing import Any
from uuid import UUID

import asyncpg

from multi_tenant_db.database.session import Session
from multi_tenant_db.repositories.tenant_repository import TenantRepository

RENAME = "UPDATE tenancy.tenants SET name = name || ' renamed' WHERE tenant_id = $1"


class OvertakenRepository(TenantRepository):
    """Has another writer rename the tenant right after the deletion has looked at it."""

    def __init__(self, session: Session, other: asyncpg.Connection) -> None:
        super().__init__(session)
        self._other = other

    async def remove(self, tenant_id: UUID, **how: Any) -> bool:
        """Remove, and be overtaken."""
        removed = await super().remove(tenant_id, **how)
        await self._other.execute(RENAME, tenant_id)
        return removed
