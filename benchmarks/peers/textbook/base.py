"""SQLAlchemy's declarative base."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """What the model registers with."""
