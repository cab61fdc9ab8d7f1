"""`Registry` of multi_tenant_db.testing, which adopters import."""

from multi_tenant_db.testing.registry import ISSUE_FOR_TENANT, LIFETIME, Registry

__all__ = ["ISSUE_FOR_TENANT", "LIFETIME", "Registry"]
