"""The body of `PUT /tenants/{tenant_id}`."""

from pydantic import BaseModel, ConfigDict

from multi_tenant_db.schemas.fields import Metadata, TenantName


class TenantUpdate(BaseModel):
    """What replaces a tenant's name and metadata; both are required, so nothing is erased by omission."""

    model_config = ConfigDict(extra="forbid")

    name: TenantName
    metadata: Metadata
