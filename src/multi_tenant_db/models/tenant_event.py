"""The audit trail; the service reads it, and only the database writes it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Enum, Index, PrimaryKeyConstraint, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from multi_tenant_db.models.base import Base
from multi_tenant_db.models.tenant_event_type import TenantEventType


class TenantEvent(Base):
    """One change of a tenant, or of a row of another table that belongs to a tenant.

    Outlives the tenant. No login role can change or delete it.
    """

    __tablename__ = "tenant_events"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "tenant_id", "event_id", name="tenant_events_pkey"),
        Index("tenant_events_event_id", "event_id", "organization_id", "tenant_id"),
        {
            "schema": "tenancy",
            "comment": "The audit trail: one row for each change of a tenant's row. Only added to.",
        },
    )

    organization_id: Mapped[UUID]
    tenant_id: Mapped[UUID]
    event_id: Mapped[UUID] = mapped_column(server_default=text("tenancy.uuid_v7()"))
    event_type: Mapped[TenantEventType] = mapped_column(
        Enum(
            TenantEventType,
            name="tenant_event_type",
            schema="tenancy",
            values_callable=lambda members: [member.value for member in members],
        )
    )
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("clock_timestamp()"))
    old_values: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="The row before, without its key; NULL when it was created."
    )
    new_values: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="The row after, without its key; NULL when it was deleted."
    )
    token_id: Mapped[UUID | None] = mapped_column(
        comment="The token that proved the caller; NULL for a change made without one."
    )
    token_label: Mapped[str | None] = mapped_column(Text)
    actor_tenant_id: Mapped[UUID | None]
    database_role: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(
        Text, comment="As the service gave it to sign_in: a way to the log, no proof."
    )
    table_name: Mapped[str] = mapped_column(
        Text, server_default=text("'tenants'"), comment="The table that was changed, without its schema."
    )
    operator_token_id: Mapped[UUID | None] = mapped_column(
        comment="The platform operator's token behind a view token; NULL for other callers."
    )
    operator_label: Mapped[str | None] = mapped_column(Text)
