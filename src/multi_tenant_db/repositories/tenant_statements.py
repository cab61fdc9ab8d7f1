"""The statements on tenants, compiled once. None names the caller: only the policies restrict rows to its reach."""

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    SelectBase,
    UpdateBase,
    all_,
    and_,
    any_,
    bindparam,
    delete,
    func,
    insert,
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

_LAST = [bindparam(column.name, type_=column.type) for column in KEY]
# A comparison of single columns is an index condition; a comparison of rows is only a filter. So the caller's own
# organisation is given, and for callers that reach many, the first organisation of the page.
AFTER_KEY_IN_ORGANIZATION = and_(Tenant.organization_id == _LAST[0], Tenant.tenant_id > _LAST[1])
AFTER_KEY = and_(Tenant.organization_id >= _LAST[0], tuple_(*KEY) > tuple_(*_LAST))


@cache
def page(tenant_type: TenantType | None, after_key: ColumnElement[bool] | None = None) -> CompiledStatement[TenantRow]:
    """Return the statement for a page of tenants: the first one, or one that starts after a key."""
    statement = select(*COLUMNS).order_by(*KEY).limit(bindparam("limit"))
    if after_key is not None:
        statement = statement.where(after_key)
    if tenant_type is not None:
        # Expressed by parent_tenant_id, not by the type, to match the partial indexes.
        has_no_parent = Tenant.parent_tenant_id.is_(None)
        statement = statement.where(has_no_parent if tenant_type is TenantType.PARENT else ~has_no_parent)
    return _tenants(statement)
