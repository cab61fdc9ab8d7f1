"""Organisations' data kept apart by PostgreSQL Row Level Security."""

from importlib.metadata import version

from multi_tenant_db.observability.propagators import drop_unknown_propagators

__version__ = version("multi-tenant-db")

drop_unknown_propagators()  # before anything imports FastAPI
