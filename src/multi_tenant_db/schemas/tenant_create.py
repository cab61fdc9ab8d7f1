"""The body of `POST /tenants`."""

from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from multi_tenant_db.models.tenant_type import TenantType
from multi_tenant_db.schemas.fields import Metadata, TenantName


class TenantCreate(BaseModel):
    """A tenant to create."""

    model_config = ConfigDict(extra="forbid")

    name: TenantName
    tenant_type: TenantType = Field(
        description="A `parent` is the head of its organisation, a `subsidiary` belongs to a parent; never changes.",
        examples=["subsidiary"],
    )
    parent_tenant_id: UUID | None = Field(
        default=None,
        validate_default=True,
        description="A subsidiary's parent: your own tenant_id, unless you are an operator. A parent has none.",
        examples=["019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a"],
    )
    metadata: Metadata = Field(default_factory=dict)

    @field_validator("parent_tenant_id")
    @classmethod
    def check_levels(cls: type[Self], parent_tenant_id: UUID | None, info: ValidationInfo) -> UUID | None:
        """Check the table's constraint first, for a clear message."""
        tenant_type = info.data.get("tenant_type")
        if tenant_type is TenantType.SUBSIDIARY and parent_tenant_id is None:
            raise PydanticCustomError("parent_missing", "A subsidiary needs the parent_tenant_id of its parent")
        if tenant_type is TenantType.PARENT and parent_tenant_id is not None:
            raise PydanticCustomError("parent_unexpected", "A parent has no parent_tenant_id")
        return parent_tenant_id
