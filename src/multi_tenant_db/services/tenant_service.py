"""What may happen to tenants, in words of the domain."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from multi_tenant_db.errors import OperationNotPermitted, PreconditionFailed, TenantNotFound
from multi_tenant_db.models import Tenant, TenantType
from multi_tenant_db.repositories.page_cursor import PageCursor
from multi_tenant_db.repositories.tenant_repository import TenantRepository


class TenantService:
    """Decides; the repository asks the database, whose policies settle who may do what.

    `versions` are those that a client accepts, from If-Match; None means any.
    """

    def __init__(self, tenants: TenantRepository) -> None:
        self._tenants = tenants

    async def create_tenant(
        self, *, name: str, tenant_type: TenantType, parent_tenant_id: UUID | None, metadata: dict[str, Any]
    ) -> Tenant:
        """Add a tenant; raises OperationNotPermitted, ParentNotFound or NameTaken."""
        return await self._tenants.add(
            name=name, tenant_type=tenant_type, parent_tenant_id=parent_tenant_id, metadata=metadata
        )

    async def list_tenants(
        self, *, limit: int, cursor: str | None, tenant_type: TenantType | None
    ) -> tuple[Sequence[Tenant], str | None]:
        """Return a page in key order and the cursor of the next one, None on the last page."""
        after = PageCursor.decode(cursor) if cursor else None
        tenants = await self._tenants.list_page(limit=limit + 1, after=after, tenant_type=tenant_type)
        if len(tenants) <= limit:
            return tenants, None
        last = tenants[limit - 1]
        return tenants[:limit], PageCursor(last.organization_id, last.tenant_id).encode()

    async def get_tenant(self, tenant_id: UUID) -> Tenant:
        """Return the tenant; raises TenantNotFound."""
        tenant = await self._tenants.find(tenant_id)
        if tenant is None:
            raise TenantNotFound
        return tenant

    async def replace_tenant(
        self, tenant_id: UUID, *, name: str, metadata: dict[str, Any], versions: Collection[int] | None
    ) -> Tenant:
        """Replace name and metadata; raises TenantNotFound, PreconditionFailed or NameTaken."""
        tenant = await self._tenants.replace(tenant_id, name=name, metadata=metadata, versions=versions)
        if tenant is None:
            await self.get_tenant(tenant_id)
            raise PreconditionFailed
        return tenant

    async def delete_tenant(self, tenant_id: UUID, *, cascade: bool, versions: Collection[int] | None) -> None:
        """Delete the tenant and its tokens.

        Raises TenantNotFound, OperationNotPermitted, PreconditionFailed or TenantHasSubsidiaries.
        """
        if await self._tenants.remove(tenant_id, cascade=cascade, versions=versions):
            return
        tenant = await self.get_tenant(tenant_id)
        if versions is None or tenant.version in versions:
            raise OperationNotPermitted
        raise PreconditionFailed
