"""The body of `POST /accounts`."""

from pydantic import BaseModel, ConfigDict

from multi_tenant_db.schemas.fields import TenantId, TenantName


class AccountCreate(BaseModel):
    """An account to open."""

    model_config = ConfigDict(extra="forbid")

    tenant_id: TenantId
    name: TenantName
