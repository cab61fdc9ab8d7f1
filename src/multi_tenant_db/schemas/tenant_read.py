"""A tenant in a response."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from multi_tenant_db.models.tenant_type import TenantType
from multi_tenant_db.schemas.fields import TenantId


class TenantRead(BaseModel):
    """A tenant."""

    # The document shows the serialised name: `metadata_` is only the attribute it is read from.
    model_config = ConfigDict(from_attributes=True, json_schema_mode_override="serialization")

    tenant_id: TenantId
    name: str = Field(description="Name, unique inside the organisation.", examples=["HSBC Hong Kong"])
    tenant_type: TenantType = Field(description="Level inside the organisation.", examples=["subsidiary"])
    parent_tenant_id: UUID | None = Field(
        description="The parent of a subsidiary; null for a parent.", examples=["019a9f3e-1f00-7aa0-8c11-9d0e6b3f4c21"]
    )
    metadata: dict[str, Any] = Field(
        validation_alias=AliasChoices("metadata_", "metadata"),
        description="Free JSON object.",
        examples=[{"country": "HK", "currency": "HKD"}],
    )
    version: int = Field(description="Incremented by every update; the ETag is this number in quotes.", examples=[1])
    created_at: datetime = Field(description="Time of creation.", examples=["2026-11-21T09:30:00Z"])
    updated_at: datetime = Field(description="Time of the last update.", examples=["2026-11-21T09:30:00Z"])
