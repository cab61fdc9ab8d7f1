"""An account in a response."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from multi_tenant_db.schemas.fields import TenantId, TenantName


class AccountRead(BaseModel):
    """An account."""

    model_config = ConfigDict(from_attributes=True)

    account_id: UUID = Field(description="Made by the database.", examples=["019a9f3e-7a10-7c52-b2aa-0d1f5c7e9b44"])
    tenant_id: TenantId
    name: TenantName
    balance: int = Field(description="In the currency's smallest unit.", examples=[125_000])
