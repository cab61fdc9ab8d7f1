"""Which schema this version knows."""

import asyncpg

from multi_tenant_db.records.records_error import RecordsError
from multi_tenant_db.schema.schema_revision import REQUIRED_SCHEMA_REVISION

REVISION = "SELECT version_num FROM public.alembic_version"


async def require_revision(connection: asyncpg.Connection) -> str:
    """Return the revision of the schema. Raises RecordsError if it is not the one of this version."""
    revision: str = await connection.fetchval(REVISION)
    if revision != REQUIRED_SCHEMA_REVISION:
        raise RecordsError(
            f"the schema is at revision {revision}, this version needs {REQUIRED_SCHEMA_REVISION}: run `mtdb migrate`"
        )
    return revision
