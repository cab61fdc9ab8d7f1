"""The body of `POST /accounts`."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from multi_tenant_db.schemas.fields import TenantName


class AccountCreate(BaseModel):
    """An account to open."""

    model_config = ConfigDict(extra="forbid")

    tenant_id: UUID
    name: TenantName
