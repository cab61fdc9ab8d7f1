"""Every query on tenants. None filters by caller: that is the policies' affair, and only theirs."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from multi_tenant_db.models import Tenant, TenantType, VersionCondition
from multi_tenant_db.repositories.page_cursor import PageCursor
from multi_tenant_db.repositories.refusals import refusals_as_errors


class TenantRepository:
    """Reads and writes tenants within the caller's reach, in the caller's transaction.

    A condition narrows a write to a tenant whose version, once the write holds its lock, still fulfils it.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(
        self, *, name: str, tenant_type: TenantType, parent_tenant_id: UUID | None, metadata: dict[str, Any]
    ) -> Tenant:
        """Insert a tenant and return it as the database completed it.

        Raises OperationNotPermitted, ParentNotFound, NameTaken or InvalidRequest, as the policies and constraints say.
        """
        statement = (
            insert(Tenant)
            .values(name=name, tenant_type=tenant_type, parent_tenant_id=parent_tenant_id, metadata_=metadata)
            .returning(Tenant)
        )
        with refusals_as_errors("insert"):
            return (await self._session.scalars(statement)).one()

    async def find(self, tenant_id: UUID) -> Tenant | None:
        """Return the tenant, or None when it does not exist for this caller."""
        return (await self._session.scalars(select(Tenant).where(Tenant.tenant_id == tenant_id))).one_or_none()

    async def find_by_name(self, name: str) -> Sequence[Tenant]:
        """Return all tenants of this name; different organisations may use the same. Reads the whole reach."""
        statement = select(Tenant).where(Tenant.name == name).order_by(Tenant.organization_id, Tenant.tenant_id)
        return (await self._session.scalars(statement)).all()

    async def find_names(self, tenant_ids: Collection[UUID]) -> dict[UUID, str]:
        """Return the names of those tenants that exist for this caller."""
        statement = select(Tenant.tenant_id, Tenant.name).where(Tenant.tenant_id.in_(tenant_ids))
        return {row.tenant_id: row.name for row in await self._session.execute(statement)}

    async def list_organization(self, organization_id: UUID) -> Sequence[Tenant]:
        """Return an organisation whole, in key order."""
        statement = select(Tenant).where(Tenant.organization_id == organization_id).order_by(Tenant.tenant_id)
        return (await self._session.scalars(statement)).all()

    async def list_page(
        self, *, limit: int, after: PageCursor | None, tenant_type: TenantType | None
    ) -> Sequence[Tenant]:
        """Return up to `limit` tenants in key order, from behind `after` on."""
        statement = select(Tenant).order_by(Tenant.organization_id, Tenant.tenant_id).limit(limit)
        if after is not None:
            key = tuple_(Tenant.organization_id, Tenant.tenant_id)
            statement = statement.where(key > (after.organization_id, after.tenant_id))
        if tenant_type is not None:
            # Said by the parent, not by the type, since a partial index holds the tenants without a parent.
            has_no_parent = Tenant.parent_tenant_id.is_(None)
            statement = statement.where(has_no_parent if tenant_type is TenantType.PARENT else ~has_no_parent)
        return (await self._session.scalars(statement)).all()

    async def replace(
        self,
        tenant_id: UUID,
        *,
        name: str,
        metadata: dict[str, Any],
        condition: VersionCondition,
    ) -> Tenant | None:
        """Replace name and metadata; return None when there is no such tenant, or its version is another.

        Raises NameTaken or InvalidRequest, as the constraints say.
        """
        statement = (
            update(Tenant)
            .where(Tenant.tenant_id == tenant_id, *_fulfils(condition))
            .values(name=name, metadata_=metadata)
            .returning(Tenant)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        with refusals_as_errors("update"):
            return (await self._session.scalars(statement)).one_or_none()

    async def remove(self, tenant_id: UUID, *, cascade: bool, condition: VersionCondition) -> bool:
        """Delete a tenant, with `cascade` its whole organisation in one statement; return False when it still stands.

        False demands a rollback: another writer may have changed the head after its subsidiaries were deleted.
        Raises TenantHasSubsidiaries when one is added at the same moment; the foreign key sees to that.
        """
        is_the_tenant = Tenant.tenant_id == tenant_id
        if cascade:
            target = or_(is_the_tenant, Tenant.organization_id == tenant_id)
        else:
            target = and_(is_the_tenant, ~_subsidiaries_of(tenant_id).exists())
        for demand in _fulfils(condition):
            target = and_(target, or_(~is_the_tenant, demand))
        statement = (
            delete(Tenant).where(target).returning(Tenant.tenant_id).execution_options(synchronize_session=False)
        )
        with refusals_as_errors("delete"):
            return tenant_id in (await self._session.scalars(statement)).all()

    async def count_subsidiaries(self, tenant_id: UUID) -> int:
        """Return how many subsidiaries of the tenant exist for this caller."""
        statement = select(func.count()).select_from(_subsidiaries_of(tenant_id).subquery())
        return (await self._session.scalars(statement)).one()


def _fulfils(condition: VersionCondition) -> Iterator[ColumnElement[bool]]:
    if condition.accepted is not None:
        yield Tenant.version.in_(condition.accepted)
    if condition.refused:
        yield Tenant.version.not_in(condition.refused)


def _subsidiaries_of(tenant_id: UUID) -> Select[Any]:
    # Under an alias, so that it stands on its own inside a statement on tenants. Both columns, as the index has them.
    subsidiary = aliased(Tenant)
    return select(subsidiary.tenant_id).where(
        subsidiary.organization_id == tenant_id, subsidiary.parent_tenant_id == tenant_id
    )
