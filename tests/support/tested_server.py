"""The PostgreSQL server that the tests run on, as reports name it."""

import os

from multi_tenant_db.development.postgres_releases import chosen_release

IS_OURS = not os.environ.get("MTDB_DATABASE_URL")
"""Whether the server is an embedded one, whose release we know. Asked before tests/conftest.py forgets the variable."""
SERVER = f"PostgreSQL {chosen_release()}" if IS_OURS else "a server of the reader's own"
