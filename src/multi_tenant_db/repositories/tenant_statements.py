"""The statements on tenants, compiled once. None names the caller: only the policies restrict rows to its reach."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Integer,
    Select,
    SelectBase,
    UpdateBase,
    all_,
    and_,
    any_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.models import Tenant, TenantRow, TenantType

COLUMNS = [Tenant.__table__.c[name.removesuffix("_")] for name in TenantRow._fields]
KEY = (Tenant.organization_id, Tenant.tenant_id)


def _tenants(statement: SelectBase | UpdateBase) -> CompiledStatement[TenantRow]:
    return CompiledStatement(statement, TenantRow._make)


def _subsidiaries_of(tenant_id: BindParameter[UUID]) -> Select[Any]:
    # The alias prevents correlation with the outer statement on tenants. Both columns match the index.
    subsidiary = aliased(Tenant)
    return select(subsidiary.tenant_id).where(
        subsidiary.organization_id == tenant_id, subsidiary.parent_tenant_id == tenant_id
    )


_SOUGHT = bindparam("sought", type_=Tenant.tenant_id.type)
_IS_SOUGHT = Tenant.tenant_id == _SOUGHT
_ACCEPTED = bindparam("accepted", type_=ARRAY(Integer))
_FULFILS_CONDITION = and_(
    or_(_ACCEPTED.is_(None), Tenant.version == any_(_ACCEPTED)),
    Tenant.version != all_(bindparam("refused", type_=ARRAY(Integer))),
)

FIND = _tenants(select(*COLUMNS).where(_IS_SOUGHT))
FIND_BY_NAME = _tenants(select(*COLUMNS).where(Tenant.name == bindparam("name")).order_by(*KEY))
FIND_NAMES = CompiledStatement(
    select(Tenant.tenant_id, Tenant.name).where(
        Tenant.tenant_id == any_(bindparam("sought", type_=ARRAY(Tenant.tenant_id.type)))
    ),
    tuple,
)
LIST_ORGANIZATION = _tenants(
    select(*COLUMNS).where(Tenant.organization_id == bindparam("organization_id")).order_by(*KEY)
)
COUNT_SUBSIDIARIES = CompiledStatement(select(func.count()).select_from(_subsidiaries_of(_SOUGHT).subquery()), tuple)
COUNT_SUBSIDIARIES_OF_EACH = CompiledStatement(
    select(Tenant.organization_id, func.count())
    .where(
        Tenant.organization_id == any_(bindparam("sought", type_=ARRAY(Tenant.organization_id.type))),
        Tenant.parent_tenant_id.is_not(None),
    )
    .group_by(Tenant.organization_id),
    tuple,
)

ADD = _tenants(
    insert(Tenant)
    .values(
        {
            Tenant.tenant_type: bindparam("new_type"),
            Tenant.parent_tenant_id: bindparam("new_parent"),
            Tenant.name: bindparam("new_name"),
            Tenant.metadata_: bindparam("new_metadata"),
        }
    )
    .returning(*COLUMNS)
)
ADD_PARENTS = CompiledStatement(
    text("""
        INSERT INTO tenancy.tenants (tenant_type, name, metadata)
        SELECT 'parent', 'Generated bank ' || number, :new_metadata
        FROM generate_series(1, :organizations) AS number
        RETURNING tenant_id
    """).bindparams(bindparam("new_metadata", type_=JSONB)),
    tuple,
)
# The head at position 1 is the first of tenants 1 to `size`.
ADD_SUBSIDIARIES = CompiledStatement(
    text("""
        INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name, metadata)
        SELECT 'subsidiary', head.tenant_id, 'Branch ' || number, :new_metadata
        FROM unnest(:heads) WITH ORDINALITY AS head (tenant_id, position)
        CROSS JOIN generate_series(1, :size - 1) AS number
        WHERE (head.position - 1) * :size + number < :tenants
    """).bindparams(bindparam("new_metadata", type_=JSONB), bindparam("heads", type_=ARRAY(Tenant.tenant_id.type))),
    tuple,
)
REPLACE = _tenants(
    update(Tenant)
    .where(_IS_SOUGHT, _FULFILS_CONDITION)
    .values({Tenant.name: bindparam("new_name"), Tenant.metadata_: bindparam("new_metadata")})
    .returning(*COLUMNS)
)
REMOVE = CompiledStatement(
    delete(Tenant)
    .where(_IS_SOUGHT, _FULFILS_CONDITION, ~_subsidiaries_of(_SOUGHT).exists())
    .returning(Tenant.tenant_id),
    tuple,
)
REMOVE_ORGANIZATION = CompiledStatement(
    delete(Tenant)
    .where(or_(_IS_SOUGHT, Tenant.organization_id == _SOUGHT), or_(~_IS_SOUGHT, _FULFILS_CONDITION))
    .returning(Tenant.tenant_id),
    tuple,
)

_LAST = {column.name: bindparam(f"last_{column.name}", type_=column.type) for column in KEY}
# A comparison of single columns is an index condition; a comparison of rows is only a filter. So a page starts at the
# organisation of the last key, and for a caller that reaches only this one, at its tenant.
_IS_OWN = select(func.tenancy.current_organization_id() == _LAST["organization_id"]).scalar_subquery()
_AFTER_LAST = and_(
    tuple_(*KEY) > tuple_(*_LAST.values()),
    Tenant.organization_id >= _LAST["organization_id"],
    Tenant.tenant_id >= case((_IS_OWN, _LAST["tenant_id"]), else_=literal_column(f"'{UUID(int=0)}'::uuid")),
)
# By parent_tenant_id, not by the type, to match the partial indexes.
_IS_PARENT = Tenant.parent_tenant_id.is_(None)
_PAGE = select(*COLUMNS).order_by(*KEY).limit(bindparam("limit"))
_PAGES = {None: _PAGE, TenantType.PARENT: _PAGE.where(_IS_PARENT), TenantType.SUBSIDIARY: _PAGE.where(~_IS_PARENT)}

FIRST_PAGE = {tenant_type: _tenants(page) for tenant_type, page in _PAGES.items()}
LATER_PAGE = {tenant_type: _tenants(page.where(_AFTER_LAST)) for tenant_type, page in _PAGES.items()}
