"""The caller of a request."""

from dataclasses import dataclass
from uuid import UUID

from multi_tenant_db.identity.caller_role import CallerRole


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller as verified by the database; a platform operator belongs to no tenant."""

    role: CallerRole
    tenant_id: UUID | None
    organization_id: UUID | None
