"""`MigratedDatabase` of multi_tenant_db.testing, by the name that the tests use."""

from multi_tenant_db.testing.migrated_database import API_PASSWORD, OPERATOR_PASSWORD
from multi_tenant_db.testing.migrated_database import MigratedDatabase as TestDatabase

__all__ = ["API_PASSWORD", "OPERATOR_PASSWORD", "TestDatabase"]
