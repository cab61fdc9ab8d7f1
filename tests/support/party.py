"""`Party` of multi_tenant_db.testing, which adopters import."""

from multi_tenant_db.testing.party import Party

__all__ = ["Party"]
