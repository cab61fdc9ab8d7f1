"""Embedded PostgreSQL for `make up` and the tests; the service imports nothing of this package."""

from multi_tenant_db.development.embedded_postgres import EmbeddedPostgres
from multi_tenant_db.development.embedded_postgres_error import EmbeddedPostgresError
from multi_tenant_db.development.postgres_releases import DEFAULT_RELEASE

__all__ = ["DEFAULT_RELEASE", "EmbeddedPostgres", "EmbeddedPostgresError"]
