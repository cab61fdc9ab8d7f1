"""Operations on tenants."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from multi_tenant_db.errors import (
    OperationNotPermitted,
    PreconditionFailed,
    TenantHasSubsidiaries,
    TenantNotFound,
)
from multi_tenant_db.identity.caller import Caller
from multi_tenant_db.models import ANY_VERSION, TenantRow, TenantType, VersionCondition
from multi_tenant_db.models.page_cursor import PageCursor
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.schemas import TenantCreate, TenantRead


class TenantService:
    """The operations on tenants. The database's policies define who may do what.

    A condition on a tenant's version is that of the client's If-Match and If-None-Match.
    """

    def __init__(self, sign_in: Callable[[], Awaitable[Caller]], tenants: TenantRepository) -> None:
        self._sign_in = sign_in
        self._tenants = tenants

    async def create_tenant(self, new: TenantCreate) -> TenantRead:
        """Add a tenant; raises OperationNotPermitted, ParentNotFound, NameTaken or SubsidiaryQuotaReached."""
        tenant = await self._tenants.add(
            name=new.name,
            tenant_type=new.tenant_type,
            parent_tenant_id=new.parent_tenant_id,
            metadata=new.metadata,
        )
        return TenantRead.model_validate(tenant)

    async def list_tenants(
        self, *, limit: int, cursor: str | None, tenant_type: TenantType | None
    ) -> tuple[Sequence[TenantRow], str | None]:
        """Return a page in key order and the cursor of the next one, None on the last page."""
        after = PageCursor.decode(cursor) if cursor else None
        tenants = await self._tenants.list_page(limit=limit + 1, after=after, tenant_type=tenant_type)
        if len(tenants) <= limit:
            return tenants, None
        last = tenants[limit - 1]
        return tenants[:limit], PageCursor(last.organization_id, last.tenant_id).encode()

    async def get_tenant(self, tenant_id: UUID, condition: VersionCondition | None = None) -> TenantRow:
        """Return the tenant; raises TenantNotFound or PreconditionFailed."""
        tenant = await self._tenants.find(tenant_id)
        if tenant is None:
            raise TenantNotFound
        if condition is not None and not condition.holds_for(tenant.version):
            raise PreconditionFailed
        return tenant

    async def replace_tenant(
        self,
        tenant_id: UUID,
        *,
        name: str,
        metadata: dict[str, Any],
        condition: VersionCondition = ANY_VERSION,
    ) -> TenantRow:
        """Replace name and metadata; raises TenantNotFound, PreconditionFailed or NameTaken."""
        tenant = await self._tenants.replace(tenant_id, name=name, metadata=metadata, condition=condition)
        if tenant is None:
            await self.get_tenant(tenant_id)
            raise PreconditionFailed
        return tenant

    async def delete_tenant(self, tenant_id: UUID, *, cascade: bool, condition: VersionCondition = ANY_VERSION) -> None:
        """Delete the tenant and its tokens.

        Raises TenantNotFound, OperationNotPermitted, TenantHasSubsidiaries or PreconditionFailed; a precondition is
        evaluated only if the request would otherwise succeed (RFC 9110, section 13.2.1).
        """
        try:
            if await self._tenants.remove(tenant_id, cascade=cascade, condition=condition):
                return
        except TenantHasSubsidiaries as error:
            detail = "A subsidiary was added concurrently. Repeat the request." if cascade else None
            raise TenantHasSubsidiaries(detail) from error
        tenant = await self.get_tenant(tenant_id)
        # The policies allow a caller to delete every tenant within its reach except itself.
        if tenant_id == (await self._sign_in()).tenant_id:
            raise OperationNotPermitted
        subsidiaries = 0 if cascade else await self._tenants.count_subsidiaries(tenant_id)
        if subsidiaries:
            raise TenantHasSubsidiaries.counting(subsidiaries)
        # With cascade only the version can have failed, though it may match again by now.
        if cascade or not condition.holds_for(tenant.version):
            raise PreconditionFailed
        # The subsidiaries were deleted concurrently: a repeated request succeeds.
        raise TenantHasSubsidiaries
