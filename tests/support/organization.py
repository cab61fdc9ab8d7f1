"""`Organization` of multi_tenant_db.testing, which adopters import."""

from multi_tenant_db.testing.organization import Organization

__all__ = ["Organization"]
