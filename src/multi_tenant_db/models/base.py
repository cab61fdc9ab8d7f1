"""The base class of the models."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Collects the tables, which a test compares with the migrations."""
