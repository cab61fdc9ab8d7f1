"""A row of the table of tenants."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from multi_tenant_db.models.tenant_type import TenantType


class TenantRow(NamedTuple):
    """The columns of a tenant, independent of a session."""

    tenant_id: UUID
    organization_id: UUID
    tenant_type: TenantType
    parent_tenant_id: UUID | None
    name: str
    metadata_: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime
