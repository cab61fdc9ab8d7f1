"""PostgreSQL without Docker, for `make up` and for the tests: nothing here is part of the running service."""

from multi_tenant_db.development.embedded_postgres import EmbeddedPostgres
from multi_tenant_db.development.embedded_postgres_error import EmbeddedPostgresError
from multi_tenant_db.development.postgres_releases import NEWEST_RELEASE

__all__ = ["NEWEST_RELEASE", "EmbeddedPostgres", "EmbeddedPostgresError"]
