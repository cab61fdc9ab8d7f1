"""The root of the models."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Collects the tables, so that the migrations can be compared with them."""
