"""A tenant in a response."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class TenantOut(BaseModel):
    """The members that a client reads."""

    model_config = ConfigDict(from_attributes=True)

    tenant_id: UUID
    name: str
    tenant_type: str
    parent_tenant_id: UUID | None
    metadata: dict[str, Any] = Field(validation_alias="metadata_")
    version: int
    created_at: datetime
    updated_at: datetime
