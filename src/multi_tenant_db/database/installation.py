"""From an empty server to a database that the service accepts: database, roles, migrations. For administrators."""

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import URL

from multi_tenant_db.database.connecting import connect_to

MAINTENANCE_DATABASE = "postgres"
ROLES_SCRIPT = Path("scripts/create_roles.sql")
ALEMBIC_CONFIG = Path("alembic.ini")
CONNECT_TIMEOUT_SECONDS = 10


async def create_database(admin_url: URL) -> bool:
    """Create the database that the URL names; return False when it exists already."""
    connection = await _connect(admin_url.set(database=MAINTENANCE_DATABASE))
    try:
        exists = "SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1)"
        if await connection.fetchval(exists, admin_url.database):
            return False
        quoted = await connection.fetchval("SELECT quote_ident($1)", admin_url.database)
        # The same order of characters everywhere, whatever the machine: PostgreSQL's own C.UTF-8.
        await connection.execute(
            f"CREATE DATABASE {quoted} TEMPLATE template0 ENCODING 'UTF8'"
            " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
        )
        return True
    finally:
        await connection.close()


async def create_roles(admin_url: URL, *, api_password: str, operator_password: str) -> None:
    """Create the roles, or set their passwords anew, and take from PUBLIC what it should not have."""
    script = await asyncio.to_thread(ROLES_SCRIPT.read_text, encoding="utf-8")
    connection = await _connect(admin_url)
    try:
        for name, password in (("api", api_password), ("operator", operator_password)):
            await connection.execute("SELECT set_config($1, $2, false)", f"mtdb.{name}_password", password)
        await connection.execute(script)
    finally:
        await connection.close()


def migrate(revision: str = "head") -> None:
    """Upgrade the schema to a revision; env.py reads MTDB_DATABASE_URL."""
    command.upgrade(Config(ALEMBIC_CONFIG), revision)


async def _connect(url: URL) -> asyncpg.Connection:
    return await connect_to(url, seconds=CONNECT_TIMEOUT_SECONDS)
