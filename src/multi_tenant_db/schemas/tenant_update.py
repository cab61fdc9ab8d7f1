"""The body of `PUT /tenants/{tenant_id}`."""

from pydantic import BaseModel, ConfigDict

from multi_tenant_db.schemas.fields import Metadata, TenantName


class TenantUpdate(BaseModel):
    """The new name and metadata of a tenant; both are required, so that an omission deletes nothing."""

    model_config = ConfigDict(extra="forbid")

    name: TenantName
    metadata: Metadata
