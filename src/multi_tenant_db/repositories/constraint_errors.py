"""Maps violated constraints and policies to the API's errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy.exc import DBAPIError

from multi_tenant_db.database.failures import constraint_name, reached_quota, sqlstate
from multi_tenant_db.errors import (
    ApplicationError,
    InvalidRequest,
    NameTaken,
    OperationNotPermitted,
    ParentNotFound,
    SubsidiaryQuotaReached,
    TenantHasSubsidiaries,
)

INSUFFICIENT_PRIVILEGE = "42501"

Verb = Literal["insert", "update", "delete"]


@contextmanager
def constraint_errors(verb: Verb) -> Iterator[None]:
    """Translate a violated constraint or policy to an ApplicationError; other exceptions are unchanged."""
    try:
        yield
    except DBAPIError as violation:
        error = _translate(verb, violation) or _exceeded_quota(violation)
        if error is None:
            raise
        raise error from violation


def _translate(verb: Verb, violation: DBAPIError) -> ApplicationError | None:
    match verb, sqlstate(violation), constraint_name(violation):
        case "insert", state, _ if state == INSUFFICIENT_PRIVILEGE:
            return OperationNotPermitted()
        case _, _, "tenants_name_unique_in_organization":
            return NameTaken()
        case "delete", _, "tenants_parent_fkey":
            return TenantHasSubsidiaries()
        case _, _, "tenants_parent_fkey":
            return ParentNotFound()
        case _, _, "tenants_metadata_size":
            detail = "Metadata is too large with its numbers in full, as PostgreSQL stores them"
            return InvalidRequest(errors=[{"pointer": "/body/metadata", "detail": detail}])
    return None


def _exceeded_quota(violation: DBAPIError) -> ApplicationError | None:
    maximum = reached_quota(violation)
    return None if maximum is None else SubsidiaryQuotaReached.of(maximum)
