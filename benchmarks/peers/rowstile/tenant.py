"""The model."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Enum, FetchedValue, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from benchmarks.peers.textbook.base import Base


class Tenant(Base):
    """A row of governed.tenants, with the columns and options of the textbook's model."""

    __tablename__ = "tenants"
    __table_args__ = {"schema": "governed"}  # noqa: RUF012 - as SQLAlchemy wants it

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=FetchedValue())
    name: Mapped[str]
    tenant_type: Mapped[str] = mapped_column(Enum("parent", "subsidiary", name="tenant_type", schema="plain"))
    parent_tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("governed.tenants.tenant_id"))
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB)
    version: Mapped[int] = mapped_column(server_default=FetchedValue(), server_onupdate=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=FetchedValue(), server_onupdate=FetchedValue()
    )

    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - as SQLAlchemy wants it
