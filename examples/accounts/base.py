"""The base class of the example's models. In a fork, use multi_tenant_db.models.Base, which a test compares."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Collects the example's tables."""
