"""Every query on tenants. None filters by caller: that is the policies' affair, and only theirs."""

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.orm import aliased

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.database.session import Session
from multi_tenant_db.models import Tenant, TenantRow, TenantType, VersionCondition
from multi_tenant_db.repositories.page_cursor import PageCursor
from multi_tenant_db.repositories.refusals import refusals_as_errors

COLUMNS = [Tenant.__table__.c[name.removesuffix("_")] for name in TenantRow._fields]
KEY = (Tenant.organization_id, Tenant.tenant_id)


def _reads(statement: Select[Any]) -> CompiledStatement[TenantRow]:
    return CompiledStatement(statement, TenantRow._make)


TENANT = _reads(select(*COLUMNS).where(Tenant.tenant_id == bindparam("tenant_id")))
NAMESAKES = _reads(select(*COLUMNS).where(Tenant.name == bindparam("name")).order_by(*KEY))
ORGANIZATION = _reads(select(*COLUMNS).where(Tenant.organization_id == bindparam("organization_id")).order_by(*KEY))


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
        statement = (
            insert(Tenant)
            .values(name=name, tenant_type=tenant_type, parent_tenant_id=parent_tenant_id, metadata_=metadata)
            .returning(*COLUMNS)
        )
        with refusals_as_errors("insert"):
            return TenantRow._make((await self._session.execute(statement)).one())

    async def find(self, tenant_id: UUID) -> TenantRow | None:
        """Return the tenant, or None when it does not exist for this caller."""
        rows = await self._session.fetch(TENANT, tenant_id=tenant_id)
        return rows[0] if rows else None

    async def find_by_name(self, name: str) -> Sequence[TenantRow]:
        """Return all tenants of this name; different organisations may use the same. Reads the whole reach."""
        return await self._session.fetch(NAMESAKES, name=name)

    async def find_names(self, tenant_ids: Collection[UUID]) -> dict[UUID, str]:
        """Return the names of those tenants that exist for this caller."""
        statement = select(Tenant.tenant_id, Tenant.name).where(Tenant.tenant_id.in_(tenant_ids))
        return {row.tenant_id: row.name for row in await self._session.execute(statement)}

    async def list_organization(self, organization_id: UUID) -> Sequence[TenantRow]:
        """Return an organisation whole, in key order."""
        return await self._session.fetch(ORGANIZATION, organization_id=organization_id)

    async def list_page(
        self, *, limit: int, after: PageCursor | None, tenant_type: TenantType | None, organization_id: UUID | None
    ) -> Sequence[TenantRow]:
        """Return up to `limit` tenants in key order, from behind `after` on.

        Whoever reaches one organisation only says which: his later pages then begin at once where they should.
        """
        if after is None:
            return await self._session.fetch(_page(tenant_type), limit=limit)
        statement = _page(tenant_type, _BEHIND_IN_IT if after.organization_id == organization_id else _BEHIND)
        key = {"organization_id": after.organization_id, "tenant_id": after.tenant_id}
        return await self._session.fetch(statement, limit=limit, **key)

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
        statement = (
            update(Tenant)
            .where(Tenant.tenant_id == tenant_id, *_fulfils(condition))
            .values(name=name, metadata_=metadata)
            .returning(*COLUMNS)
            .execution_options(synchronize_session=False)
        )
        with refusals_as_errors("update"):
            row = (await self._session.execute(statement)).one_or_none()
        return TenantRow._make(row) if row else None

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


_LAST = [bindparam(column.name, type_=column.type) for column in KEY]
# PostgreSQL begins to read where single columns say, and only filters by a comparison of rows. So an organisation of
# one's own is named, and to whoever reaches many, the organisation to begin with.
_BEHIND_IN_IT = and_(Tenant.organization_id == _LAST[0], Tenant.tenant_id > _LAST[1])
_BEHIND = and_(Tenant.organization_id >= _LAST[0], tuple_(*KEY) > tuple_(*_LAST))


@cache
def _page(tenant_type: TenantType | None, behind: ColumnElement[bool] | None = None) -> CompiledStatement[TenantRow]:
    """Return the statement for a page of tenants: the first one, or one that goes on behind a key."""
    statement = select(*COLUMNS).order_by(*KEY).limit(bindparam("limit"))
    if behind is not None:
        statement = statement.where(behind)
    if tenant_type is not None:
        # Said by the parent, not by the type, since a partial index holds the tenants without a parent.
        has_no_parent = Tenant.parent_tenant_id.is_(None)
        statement = statement.where(has_no_parent if tenant_type is TenantType.PARENT else ~has_no_parent)
    return _reads(statement)


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
