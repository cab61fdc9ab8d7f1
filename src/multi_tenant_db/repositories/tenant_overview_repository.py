"""The queries of the command line's overview of tenants, which the service does not need."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, literal_column, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from multi_tenant_db.models import Tenant, TenantEvent, TenantRow, TenantType
from multi_tenant_db.models.page_cursor import PageCursor
from multi_tenant_db.repositories.tenant_statements import COLUMNS, KEY

COUNT_TOKENS = text("""
    SELECT count(*)
    FROM tenancy.list_tokens(false, 2147483647) AS token
    WHERE token.tenant_id = :tenant_id
""")
"""Only the operator's own role may execute it."""


class TenantOverviewRepository:
    """Reads tenants as a platform operator does."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list_page(
        self,
        *,
        limit: int,
        after: PageCursor | None = None,
        tenant_type: TenantType | None = None,
        organization_ids: Collection[UUID] | None = None,
    ) -> Sequence[TenantRow]:
        """Return up to `limit` tenants in key order, after a key; of one type, of some organisations."""
        statement = select(*COLUMNS).order_by(*KEY).limit(limit)
        if after is not None:
            last = (after.organization_id, after.tenant_id)
            statement = statement.where(tuple_(*KEY) > tuple_(*last), Tenant.organization_id >= after.organization_id)
        if tenant_type is not None:
            is_parent = Tenant.parent_tenant_id.is_(None)
            statement = statement.where(is_parent if tenant_type is TenantType.PARENT else ~is_parent)
        if organization_ids is not None:
            statement = statement.where(Tenant.organization_id.in_(organization_ids))
        return [TenantRow(*row) for row in await self._session.execute(statement)]

    async def find_last_event(self, tenant: TenantRow) -> TenantEvent | None:
        """Return the newest event of a tenant, by its key; None if its trail was purged."""
        statement = (
            select(TenantEvent)
            .where(TenantEvent.organization_id == tenant.organization_id, TenantEvent.tenant_id == tenant.tenant_id)
            .order_by(TenantEvent.event_id.desc())
            .limit(1)
        )
        event: TenantEvent | None = await self._session.scalar(statement)
        return event

    async def count_subsidiaries(self, tenant: TenantRow) -> int:
        """Return the number of a parent's subsidiaries."""
        statement = (
            select(func.count(literal_column("1")))
            .select_from(Tenant)
            .where(Tenant.organization_id == tenant.tenant_id, Tenant.parent_tenant_id.is_not(None))
        )
        return await self._session.scalar(statement) or 0

    async def count_tokens(self, tenant_id: UUID) -> int:
        """Return the number of a tenant's valid tokens."""
        return await self._session.scalar(COUNT_TOKENS, {"tenant_id": tenant_id}) or 0
