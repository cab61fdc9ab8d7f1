"""The table of accounts as mapped by the service; the migration defines it."""

from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from examples.accounts.base import Base


class Account(Base):
    """A tenant's account; the balance is in the currency's smallest unit."""

    __tablename__ = "accounts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "tenant_id"],
            ["tenancy.tenants.organization_id", "tenancy.tenants.tenant_id"],
            ondelete="CASCADE",
        ),
        {"schema": "tenancy"},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("tenancy.uuid_v7()"))
    name: Mapped[str] = mapped_column(Text)
    balance: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
