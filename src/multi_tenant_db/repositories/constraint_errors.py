"""What the database's refusals mean to a caller: the one table from constraints and policies to errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy.exc import DBAPIError

from multi_tenant_db.database.failures import constraint_name, sqlstate
from multi_tenant_db.errors import (
    ApplicationError,
    InvalidRequest,
    NameTaken,
    OperationNotPermitted,
    ParentNotFound,
    TenantHasSubsidiaries,
)

INSUFFICIENT_PRIVILEGE = "42501"

Verb = Literal["insert", "update", "delete"]


@contextmanager
def constraint_errors(verb: Verb) -> Iterator[None]:
    """Turn a refused statement into the error a caller understands; anything else passes unchanged."""
    try:
        yield
    except DBAPIError as refusal:
        error = _meaning(verb, refusal)
        if error is None:
            raise
        raise error from refusal


def _meaning(verb: Verb, refusal: DBAPIError) -> ApplicationError | None:
    match verb, sqlstate(refusal), constraint_name(refusal):
        case "insert", state, _ if state == INSUFFICIENT_PRIVILEGE:
            return OperationNotPermitted()
        case _, _, "tenants_name_unique_in_organization":
            return NameTaken()
        case "delete", _, "tenants_parent_fkey":
            return TenantHasSubsidiaries()
        case _, _, "tenants_parent_fkey":
            return ParentNotFound()
        case _, _, "tenants_metadata_size":
            detail = "Metadata is too large once its numbers are spelt out, as PostgreSQL stores them"
            return InvalidRequest(errors=[{"pointer": "/body/metadata", "detail": detail}])
    return None
