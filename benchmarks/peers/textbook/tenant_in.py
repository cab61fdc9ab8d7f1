"""The body of POST and PUT."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field


class TenantIn(BaseModel):
    """The members that a client may write."""

    name: str = Field(min_length=1, max_length=200)
    tenant_type: Literal["parent", "subsidiary"] = "subsidiary"
    parent_tenant_id: UUID | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
