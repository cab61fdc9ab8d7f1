"""Creates the example's table, and a database and a role of its own for the queue, as an administrator.

`python -m examples.nightly_statements.install`, with MTDB_DATABASE_URL and NIGHTLY_QUEUE_URL. In a fork, `mtdb migrate`
creates the table.
"""

import asyncio
import os

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from procrastinate import App, PsycopgConnector
from sqlalchemy import URL, Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from examples.nightly_statements import create_statements
from multi_tenant_db.database.connecting import connect_to
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.schema.installation import create_database
from multi_tenant_db.schema.scram_verifier import scram_verifier
from multi_tenant_db.settings import Settings


async def install_table(admin_url: URL) -> None:
    """Run the migration as the owner, in one transaction."""
    engine = create_async_engine(admin_url.set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)
    await engine.dispose()


async def install_queue(admin_url: URL, queue_url: URL) -> None:
    """Create the queue's role, database and tables.

    The database is the role's own. The service's role cannot connect to it, so it sees neither the queue's rows, nor
    their number in the catalogue, nor a notification.
    """
    at_queue = admin_url.set(database=queue_url.database)
    connection = await connect_to(admin_url, seconds=10)
    role = await connection.fetchval("SELECT quote_ident($1)", queue_url.username)
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", queue_url.username):
        verifier = scram_verifier(queue_url.password or "")
        await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{verifier}'")
    await create_database(at_queue)
    database = await connection.fetchval("SELECT quote_ident($1)", queue_url.database)
    await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    await connection.execute(f"ALTER DATABASE {database} OWNER TO {role}")
    await connection.close()
    conninfo = queue_url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with App(connector=PsycopgConnector(conninfo=conninfo)).open_async() as queue:
        await queue.schema_manager.apply_schema_async()


def _upgrade(connection: Connection) -> None:
    connection.execute(text("SET LOCAL ROLE tenancy_owner"))
    with Operations.context(MigrationContext.configure(connection)):
        create_statements.upgrade()


async def _main() -> None:
    admin_url = read_database_url(str(Settings().database_url))
    await install_table(admin_url)
    await install_queue(admin_url, read_database_url(os.environ["NIGHTLY_QUEUE_URL"]))


if __name__ == "__main__":
    asyncio.run(_main())
