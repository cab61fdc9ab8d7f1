"""Reads and writes tenants, within the caller's reach."""

from collections.abc import Collection, Sequence
from math import ceil
from typing import Any
from uuid import UUID

from multi_tenant_db.database.session import Session
from multi_tenant_db.models import TenantRow, TenantType, VersionCondition
from multi_tenant_db.models.page_cursor import PageCursor
from multi_tenant_db.repositories import tenant_statements as statements
from multi_tenant_db.repositories.constraint_errors import constraint_errors


class TenantRepository:
    """Reads and writes tenants within the caller's reach, in the caller's transaction.

    A condition narrows a write to a tenant whose version, once the write holds its lock, still fulfils it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(
        self, *, name: str, tenant_type: TenantType, parent_tenant_id: UUID | None, metadata: dict[str, Any]
    ) -> TenantRow:
        """Insert a tenant and return it as the database completed it.

        Raises OperationNotPermitted, ParentNotFound, NameTaken or InvalidRequest, as the policies and constraints say.
        """
        with constraint_errors("insert"):
            [tenant] = await self._session.fetch(
                statements.ADD, new_type=tenant_type, new_parent=parent_tenant_id, new_name=name, new_metadata=metadata
            )
        return tenant

    async def add_organizations(self, tenants: int, size: int, metadata: dict[str, Any]) -> None:
        """Insert so many made-up tenants in organisations of this size, the last one smaller, by two statements."""
        heads = await self._session.fetch(
            statements.ADD_PARENTS, organizations=ceil(tenants / size), new_metadata=metadata
        )
        await self._session.fetch(
            statements.ADD_SUBSIDIARIES,
            heads=[head for (head,) in heads],
            size=size,
            tenants=tenants,
            new_metadata=metadata,
        )

    async def find(self, tenant_id: UUID) -> TenantRow | None:
        """Return the tenant, or None when it does not exist for this caller."""
        rows = await self._session.fetch(statements.FIND, sought=tenant_id)
        return rows[0] if rows else None

    async def find_by_name(self, name: str) -> Sequence[TenantRow]:
        """Return all tenants of this name; different organisations may use the same. Reads the whole reach."""
        return await self._session.fetch(statements.FIND_BY_NAME, name=name)

    async def find_names(self, tenant_ids: Collection[UUID]) -> dict[UUID, str]:
        """Return the names of those tenants that exist for this caller."""
        return dict(await self._session.fetch(statements.FIND_NAMES, sought=tenant_ids))

    async def list_organization(self, organization_id: UUID) -> Sequence[TenantRow]:
        """Return an organisation whole, in key order."""
        return await self._session.fetch(statements.LIST_ORGANIZATION, organization_id=organization_id)

    async def list_page(
        self, *, limit: int, after: PageCursor | None, tenant_type: TenantType | None, organization_id: UUID | None
    ) -> Sequence[TenantRow]:
        """Return up to `limit` tenants in key order, from behind `after` on.

        Whoever reaches one organisation only says which: his later pages then begin at once where they should.
        """
        if after is None:
            return await self._session.fetch(statements.page(tenant_type), limit=limit)
        in_his_own = after.organization_id == organization_id
        behind = statements.AFTER_KEY_IN_ORGANIZATION if in_his_own else statements.AFTER_KEY
        key = {"organization_id": after.organization_id, "tenant_id": after.tenant_id}
        return await self._session.fetch(statements.page(tenant_type, behind), limit=limit, **key)

    async def replace(
        self,
        tenant_id: UUID,
        *,
        name: str,
        metadata: dict[str, Any],
        condition: VersionCondition,
    ) -> TenantRow | None:
        """Replace name and metadata; return None when there is no such tenant, or its version is another.

        Raises NameTaken or InvalidRequest, as the constraints say.
        """
        with constraint_errors("update"):
            rows = await self._session.fetch(
                statements.REPLACE,
                sought=tenant_id,
                new_name=name,
                new_metadata=metadata,
                accepted=condition.accepted,
                refused=condition.refused,
            )
        return rows[0] if rows else None

    async def remove(self, tenant_id: UUID, *, cascade: bool, condition: VersionCondition) -> bool:
        """Delete a tenant, with `cascade` its whole organisation in one statement; return False when it still stands.

        False demands a rollback: another writer may have changed the head after its subsidiaries were deleted.
        Raises TenantHasSubsidiaries when one is added at the same moment; the foreign key sees to that.
        """
        statement = statements.REMOVE_ORGANIZATION if cascade else statements.REMOVE
        with constraint_errors("delete"):
            removed = await self._session.fetch(
                statement, sought=tenant_id, accepted=condition.accepted, refused=condition.refused
            )
        return (tenant_id,) in removed

    async def count_subsidiaries(self, tenant_id: UUID) -> int:
        """Return how many subsidiaries of the tenant exist for this caller."""
        rows = await self._session.fetch(statements.COUNT_SUBSIDIARIES, sought=tenant_id)
        count: int = rows[0][0]
        return count
