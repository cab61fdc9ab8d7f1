"""The queries on the audit trail, which is read-only for every login role."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from multi_tenant_db.models import TenantEvent


class TenantEventRepository:
    """Reads the events of tenants within the caller's reach, including deleted tenants."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list_latest(self, *, limit: int, tenant_id: UUID | None = None) -> Sequence[TenantEvent]:
        """Return the latest events, newest first; with a tenant's id, only those of this tenant."""
        statement = select(TenantEvent).order_by(TenantEvent.event_id.desc()).limit(limit)
        if tenant_id is not None:
            statement = statement.where(TenantEvent.tenant_id == tenant_id)
        return (await self._session.scalars(statement)).all()
