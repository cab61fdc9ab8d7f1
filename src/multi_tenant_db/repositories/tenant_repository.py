"""The queries on tenants."""

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

    A write checks its condition on the version that the tenant has when the write holds the row lock.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(
        self, *, name: str, tenant_type: TenantType, parent_tenant_id: UUID | None, metadata: dict[str, Any]
    ) -> TenantRow:
        """Insert a tenant and return it with the columns that the database sets.

        Raises OperationNotPermitted, ParentNotFound, NameTaken, SubsidiaryQuotaReached or InvalidRequest for violated
        policies and constraints.
        """
        with constraint_errors("insert"):
            [tenant] = await self._session.fetch(
                statements.ADD, new_type=tenant_type, new_parent=parent_tenant_id, new_name=name, new_metadata=metadata
            )
        return tenant

    async def add_organizations(self, tenants: int, size: int, metadata: dict[str, Any]) -> None:
        """Insert generated tenants in organisations of this size, the last one smaller, by two statements."""
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
        rows = await self._session.read(statements.FIND, sought=tenant_id)
        return rows[0] if rows else None

    async def find_by_name(self, name: str) -> Sequence[TenantRow]:
        """Return all tenants of this name, at most one in an organisation. Scans all tenants within reach."""
        return await self._session.fetch(statements.FIND_BY_NAME, name=name)

    async def find_names(self, tenant_ids: Collection[UUID]) -> dict[UUID, str]:
        """Return the names of those tenants that exist for this caller."""
        return dict(await self._session.fetch(statements.FIND_NAMES, sought=tenant_ids))

    async def list_organization(self, organization_id: UUID) -> Sequence[TenantRow]:
        """Return all tenants of an organisation, in key order."""
        return await self._session.fetch(statements.LIST_ORGANIZATION, organization_id=organization_id)

    async def list_page(
        self, *, limit: int, after: PageCursor | None, tenant_type: TenantType | None
    ) -> Sequence[TenantRow]:
        """Return up to `limit` tenants in key order, after the key `after`."""
        if after is None:
            return await self._session.read(statements.FIRST_PAGE[tenant_type], limit=limit)
        return await self._session.read(
            statements.LATER_PAGE[tenant_type],
            limit=limit,
            last_organization_id=after.organization_id,
            last_tenant_id=after.tenant_id,
        )

    async def replace(
        self,
        tenant_id: UUID,
        *,
        name: str,
        metadata: dict[str, Any],
        condition: VersionCondition,
    ) -> TenantRow | None:
        """Replace name and metadata; return None when the tenant does not exist or does not fulfil the condition.

        Raises NameTaken or InvalidRequest for violated constraints.
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
        """Delete a tenant, with `cascade` its organisation in one statement; return False if it was not deleted.

        False requires a rollback: a concurrent write may have changed the head after its subsidiaries were deleted.
        Raises TenantHasSubsidiaries when one is added concurrently, which violates the foreign key.
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

    async def count_subsidiaries_of_each(self, organization_ids: Collection[UUID]) -> dict[UUID, int]:
        """Return how many subsidiaries of each organisation exist for this caller; without one, none."""
        return dict(await self._session.fetch(statements.COUNT_SUBSIDIARIES_OF_EACH, sought=organization_ids))
