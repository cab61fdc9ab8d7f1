"""What may happen to tenants, in words of the domain."""

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from multi_tenant_db.errors import OperationNotPermitted, PreconditionFailed, TenantHasSubsidiaries, TenantNotFound
from multi_tenant_db.identity.caller import Caller
from multi_tenant_db.identity.caller_role import CallerRole
from multi_tenant_db.models import Tenant, TenantType
from multi_tenant_db.repositories.page_cursor import PageCursor
from multi_tenant_db.repositories.request_repository import RequestRepository
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.schemas import TenantCreate, TenantRead


class TenantService:
    """Decides; the repository asks the database, whose policies settle who may do what.

    `versions` are those that a client accepts, from If-Match; None means any.
    """

    def __init__(self, caller: Caller, tenants: TenantRepository, requests: RequestRepository) -> None:
        self._caller = caller
        self._tenants = tenants
        self._requests = requests

    async def create_tenant(self, new: TenantCreate, idempotency_key: str | None = None) -> TenantRead:
        """Add a tenant, or with a key that was used for the same tenant within 24 hours, return that answer again.

        Raises OperationNotPermitted, ParentNotFound, NameTaken, IdempotencyKeyReused or RequestInProgress.
        """
        if idempotency_key is None:
            return await self._add(new)
        earlier = await self._requests.begin(idempotency_key, _fingerprint(new))
        if earlier is not None:
            return TenantRead.model_validate(earlier)
        created = await self._add(new)
        await self._requests.finish(idempotency_key, created.model_dump(mode="json"))
        return created

    async def _add(self, new: TenantCreate) -> TenantRead:
        tenant = await self._tenants.add(
            name=new.name,
            tenant_type=new.tenant_type,
            parent_tenant_id=new.parent_tenant_id,
            metadata=new.metadata,
        )
        return TenantRead.model_validate(tenant)

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
        if versions is not None and tenant.version not in versions:
            raise PreconditionFailed
        in_the_way = 0 if cascade else await self._tenants.count_subsidiaries(tenant_id)
        if in_the_way == 0 or self._caller.role is not CallerRole.PLATFORM_OPERATOR:
            raise OperationNotPermitted
        raise TenantHasSubsidiaries.counting(in_the_way)


def _fingerprint(new: TenantCreate) -> bytes:
    """Return what two requests for the same tenant have in common, however their JSON is written."""
    canonical = json.dumps(new.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).digest()
