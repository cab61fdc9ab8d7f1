"""The queries on quotas. They call functions that only the operator's role may execute."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from multi_tenant_db.database.failures import constraint_name
from multi_tenant_db.errors import TenantNotFound
from multi_tenant_db.models.quota import Quota


class QuotaRepository:
    """Sets, removes and lists quotas as the role tenancy_operator. Without an organisation a quota is the default."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def set(self, quota: Quota) -> None:
        """Set a quota, also below the present number of subsidiaries; raises TenantNotFound."""
        statement = text("SELECT tenancy.set_quota(:organization_id, :max_subsidiaries)")
        try:
            await self._session.execute(statement, quota._asdict())
        except DBAPIError as failure:
            if constraint_name(failure) != "quotas_organization_fkey":
                raise
            raise TenantNotFound("The organisation has just been deleted.") from failure

    async def remove(self, organization_id: UUID | None) -> bool:
        """Remove a quota; return False if there was none."""
        statement = text("SELECT tenancy.remove_quota(:organization_id)")
        return bool(await self._session.scalar(statement, {"organization_id": organization_id}))

    async def list_all(self) -> Sequence[Quota]:
        """Return all quotas, the default first."""
        rows = await self._session.execute(text("SELECT organization_id, max_subsidiaries FROM tenancy.list_quotas()"))
        return [Quota(*row) for row in rows]
