"""How migrations run: as the owner of every object, one transaction for each, none waiting long for a lock."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from multi_tenant_db.database.connecting import WITHOUT_TIMEOUTS, connect
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.models import Base
from multi_tenant_db.settings import Settings


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Compare only what the models map: the private schema, which the service cannot query, has no models."""
    return kind != "schema" or name == "tenancy"


def run_with_connection(connection: Connection) -> None:
    """Run the migrations on a connection that acts as the owner."""
    connection.execute(text("SET ROLE tenancy_owner"))
    connection.execute(text("SET search_path = public"))
    connection.execute(text("SET row_security = on"))
    connection.execute(text(WITHOUT_TIMEOUTS))
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_schemas=True,
        include_name=is_ours,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_online() -> None:
    """Connect to the given server, else that of MTDB_DATABASE_URL, as a user who may become tenancy_owner."""
    url = context.config.attributes.get("database_url") or read_database_url(str(Settings().database_url))
    engine = create_async_engine(url, poolclass=NullPool, connect_args={"async_creator_fn": connect, "timeout": 10})
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run_with_connection)
    finally:
        await engine.dispose()


if context.is_offline_mode():
    # `alembic upgrade head --sql` prints the statements, for review and for linters.
    context.configure(dialect_name="postgresql", dialect_opts={"paramstyle": "named"}, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(run_online())
