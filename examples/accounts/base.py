"""The root of the example's models. In a fork it is multi_tenant_db.models.Base, so that migrations are compared."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Collects the example's tables."""
