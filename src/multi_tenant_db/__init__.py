"""Organisations' data kept apart by PostgreSQL Row Level Security."""

from importlib.metadata import version

__version__ = version("multi-tenant-db")
