"""The table of tenants as mapped by the service; the migrations define it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Enum,
    FetchedValue,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from multi_tenant_db.models.base import Base
from multi_tenant_db.models.tenant_type import TenantType


class Tenant(Base):
    """A banking group or one of its subsidiaries.

    The database sets the identifiers, the version and the times; the service may write only the granted columns.
    """

    __tablename__ = "tenants"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "tenant_id", name="tenants_pkey"),
        ForeignKeyConstraint(
            ["organization_id", "parent_tenant_id"],
            ["tenancy.tenants.organization_id", "tenancy.tenants.tenant_id"],
            name="tenants_parent_fkey",
        ),
        Index("tenants_name_unique_in_organization", "organization_id", text("(name || '')"), unique=True),
        Index("tenants_tenant_id", "tenant_id", "organization_id"),
        Index("tenants_parents", "organization_id", "tenant_id", postgresql_where=text("parent_tenant_id IS NULL")),
        Index(
            "tenants_subsidiaries",
            "organization_id",
            "parent_tenant_id",
            "tenant_id",
            postgresql_where=text("parent_tenant_id IS NOT NULL"),
        ),
        {
            "schema": "tenancy",
            "comment": "Banking groups (parents) and their subsidiaries: two levels, held by constraints alone.",
        },
    )

    tenant_id: Mapped[UUID] = mapped_column(server_default=text("tenancy.uuid_v7()"))
    organization_id: Mapped[UUID] = mapped_column(
        server_default=FetchedValue(),
        comment="The parent, or the tenant itself where there is none. Filled in by a trigger, held by a CHECK.",
    )
    tenant_type: Mapped[TenantType] = mapped_column(
        Enum(
            TenantType,
            name="tenant_type",
            schema="tenancy",
            values_callable=lambda members: [member.value for member in members],
        )
    )
    parent_tenant_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(Text)
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, server_default=text("'{}'"))
    version: Mapped[int] = mapped_column(
        server_default=text("1"), server_onupdate=FetchedValue(), comment="Counts updates; the ETag of the API."
    )
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("now()"), server_onupdate=FetchedValue()
    )
