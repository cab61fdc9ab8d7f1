"""SQLAlchemy's declarative base."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The base class of the model."""
