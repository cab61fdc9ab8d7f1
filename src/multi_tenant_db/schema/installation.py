"""Installs the service's database as an administrator: database, roles, migrations."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL

from multi_tenant_db.database.connecting import WITHOUT_TIMEOUTS, connect_to
from multi_tenant_db.schema.installation_files import migrations, roles_script
from multi_tenant_db.schema.scram_verifier import scram_verifier

MAINTENANCE_DATABASE = "postgres"
CONNECT_TIMEOUT_SECONDS = 10
NEWEST = "head"
NO_REVISION = "base"

LOCK = 0x6D7464625F696E73
"""Key of the advisory lock that all installations take."""


@asynccontextmanager
async def installation_lock(admin_url: URL, report: Callable[[str], None]) -> AsyncIterator[None]:
    """Lock out other installations on the same server, whose databases share the roles."""
    connection = await _connect(admin_url.set(database=MAINTENANCE_DATABASE))
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            report("another installation is running on this server: waiting for its end")
            await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        yield
    finally:
        await connection.close()


async def create_database(admin_url: URL) -> bool:
    """Create the database of the URL; return False if it exists."""
    connection = await _connect(admin_url.set(database=MAINTENANCE_DATABASE))
    try:
        exists = "SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1)"
        if await connection.fetchval(exists, admin_url.database):
            return False
        quoted = await connection.fetchval("SELECT quote_ident($1)", admin_url.database)
        # PostgreSQL's built-in C.UTF-8 sorts alike on every machine.
        await connection.execute(
            f"CREATE DATABASE {quoted} TEMPLATE template0 ENCODING 'UTF8'"
            " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
        )
        return True
    finally:
        await connection.close()


async def create_roles(admin_url: URL, *, api_password: str, operator_password: str) -> None:
    """Create the roles or reset their passwords, and revoke PUBLIC's default privileges.

    The passwords are sent as verifiers: a failing statement would write a password to the server's log.
    """
    script = await asyncio.to_thread(roles_script().read_text, encoding="utf-8")
    verifiers = {"api": scram_verifier(api_password), "operator": scram_verifier(operator_password)}
    connection = await _connect(admin_url)
    try:
        for name, verifier in verifiers.items():
            await connection.execute("SELECT set_config($1, $2, false)", f"mtdb.{name}_verifier", verifier)
        await connection.execute(script)
    finally:
        await connection.close()


async def current_revision(admin_url: URL) -> str | None:
    """Return the revision of the schema, None for an empty database."""
    connection = await _connect(admin_url)
    try:
        if not await connection.fetchval("SELECT to_regclass('public.alembic_version') IS NOT NULL"):
            return None
        await connection.execute("SET ROLE tenancy_owner")
        revision: str | None = await connection.fetchval("SELECT version_num FROM public.alembic_version")
        return revision
    finally:
        await connection.close()


def migrate(revision: str = NEWEST, admin_url: URL | None = None) -> None:
    """Upgrade the schema of a database, by default of MTDB_DATABASE_URL, to a revision. Raises CommandError."""
    command.upgrade(_alembic(admin_url), revision)


def downgrade(revision: str, admin_url: URL | None = None) -> None:
    """Downgrade the schema to an earlier revision, or to NO_REVISION; otherwise like `migrate`."""
    command.downgrade(_alembic(admin_url), revision)


def undone_by(revision: str, current: str | None) -> list[str]:
    """Return the migrations that a change from `current` to `revision` downgrades, newest first; [] for an upgrade.

    Raises Alembic's CommandError for an unknown revision.
    """
    scripts = ScriptDirectory.from_config(_alembic())
    if not revision:
        raise CommandError("an empty name")
    target = None if revision == NO_REVISION else scripts.get_revision(revision).revision
    applied = [script.revision for script in scripts.iterate_revisions(current or NO_REVISION, NO_REVISION)]
    if target is None:
        return applied
    return applied[: applied.index(target)] if target in applied else []


def _alembic(admin_url: URL | None = None) -> Config:
    # Not read from alembic.ini, where a `%` in the path of the checkout would start a variable.
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["database_url"] = admin_url
    return config


async def _connect(url: URL) -> asyncpg.Connection:
    connection = await connect_to(url, seconds=CONNECT_TIMEOUT_SECONDS)
    await connection.execute(WITHOUT_TIMEOUTS)
    return connection
