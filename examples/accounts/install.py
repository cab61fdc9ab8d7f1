"""Creates the example's table in the database of MTDB_DATABASE_URL, as an administrator.

`python -m examples.accounts.install`; in a fork, `mtdb migrate` runs the migrations.
"""

import asyncio

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from examples.accounts import create_accounts
from multi_tenant_db.settings import Settings


async def install(admin_url: URL) -> None:
    """Run the migration as the owner, in one transaction."""
    engine = create_async_engine(admin_url.set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)
    await engine.dispose()


def _upgrade(connection: Connection) -> None:
    connection.execute(text("SET LOCAL ROLE tenancy_owner"))
    with Operations.context(MigrationContext.configure(connection)):
        create_accounts.upgrade()


if __name__ == "__main__":
    asyncio.run(install(make_url(str(Settings().database_url))))
