"""From an empty server to a database with roles: safe to repeat, and refused when something is missing."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import URL, make_url

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.schema import installation
from multi_tenant_db.schema.installation_files import roles_script
from multi_tenant_db.schema.scram_verifier import scram_verifier
from tests.reliability.support.until import until
from tests.support.catalogue import describe
from tests.support.fresh_database import drop_database, fresh_database
from tests.support.migrations import migrate
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD, TestDatabase

ROLES_SCRIPT = roles_script().read_text(encoding="utf-8")
ROLES = """
    SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication, rolinherit,
           rolconfig
    FROM pg_roles
    WHERE rolname LIKE 'tenancy\\_%'
    ORDER BY rolname
"""


NEW_PASSWORD = "it's $$new$$; --"


@pytest.fixture
async def unmade(server_url: URL) -> AsyncIterator[URL]:
    """Name a database that does not exist yet, with a name that must be quoted."""
    url = server_url.set(database=f"Tenancy-{uuid4().hex[:8]}")
    yield url
    await drop_database(url)


async def test_creating_a_database_twice_is_harmless(unmade: URL) -> None:
    """The first call creates the database, whatever its name; the second finds it and says so."""
    assert await installation.create_database(unmade) is True
    assert await installation.create_database(unmade) is False

    connection = await TestDatabase(unmade).connect_as_admin()
    locale = await connection.fetchrow("""
        SELECT pg_encoding_to_char(encoding) AS encoding, datlocprovider::text AS provider, datlocale AS locale
        FROM pg_database
        WHERE datname = current_database()
    """)
    await connection.close()
    assert dict(locale) == {"encoding": "UTF8", "provider": "b", "locale": "C.UTF-8"}


async def test_creating_the_roles_twice_is_harmless(server_url: URL) -> None:
    """A second run of create_roles.sql changes no role, no grant, no setting, and keeps the schema as it is."""
    async with fresh_database(server_url) as database:
        connection = await database.connect_as_admin()
        before = await describe(connection), await connection.fetch(ROLES)
        await installation.create_roles(
            database.admin_url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD
        )
        assert (await describe(connection), await connection.fetch(ROLES)) == before
        await connection.close()


async def test_creating_the_roles_sets_the_passwords_anew(server_url: URL) -> None:
    """After a run with other passwords only the new ones log in, also with quotes in them."""
    async with fresh_database(server_url, revision=None) as database:
        url = database.admin_url
        new_url = url.set(drivername="postgresql", username="tenancy_api", password=NEW_PASSWORD)
        try:
            await installation.create_roles(url, api_password=NEW_PASSWORD, operator_password=NEW_PASSWORD)
            await (await asyncpg.connect(new_url.render_as_string(hide_password=False))).close()
            with pytest.raises(asyncpg.InvalidPasswordError):
                await database.connect_as_operator()
        finally:
            await installation.create_roles(url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD)
        await (await database.connect_as_operator()).close()


@pytest.mark.parametrize(
    "password",
    [
        "simple",
        "it's $$quoted$$",
        "  spaces  ",
        "pässwörd",
        "soft\u00adhyphen",
        "\u2168",
        "\u0627a",
        "tab\there",
        "x" * 500,
    ],
)
async def test_a_verifier_opens_with_its_password(as_admin: asyncpg.Connection, server_url: URL, password: str) -> None:
    """The server accepts a password by its computed verifier, also beyond ASCII."""
    name = f"verified_{uuid4().hex[:8]}"
    await as_admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{scram_verifier(password)}'")
    try:
        url = server_url.set(drivername="postgresql", username=name, password=password, database="postgres")
        await (await asyncpg.connect(url.render_as_string(hide_password=False))).close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(url.set(password=f"{password}!").render_as_string(hide_password=False))
    finally:
        await as_admin.execute(f"DROP ROLE {name}")


@pytest.mark.parametrize(
    "given",
    [{}, {"api": "a"}, {"operator": "o"}, {"api": "clear", "operator": "clear"}, {"api": "SCRAM-SHA-256$clear"}],
)
async def test_roles_keep_their_passwords_without_verifiers(server_url: URL, given: dict[str, str]) -> None:
    """create_roles.sql changes a password only if it gets a verifier, and refuses a plain password."""
    stored = "SELECT rolname, rolpassword FROM pg_authid ORDER BY rolname"
    async with fresh_database(server_url) as database:
        connection = await database.connect_as_admin()
        before = await connection.fetch(stored)
        for name, password in given.items():
            await connection.execute("SELECT set_config($1, $2, false)", f"mtdb.{name}_verifier", password)
        if given:
            with pytest.raises(asyncpg.RaiseError, match="take SCRAM-SHA-256 verifiers, not passwords"):
                await connection.execute(ROLES_SCRIPT)
        else:
            await connection.execute(ROLES_SCRIPT)
        assert await connection.fetch(stored) == before
        await connection.close()


async def test_an_installation_bears_the_timeouts_of_the_server(as_admin: asyncpg.Connection, server_url: URL) -> None:
    """Short timeouts of the role end neither the lock of one installation, nor another's waiting, nor a migration."""
    name = f"hurried_{uuid4().hex[:8]}"
    await as_admin.execute(f"CREATE ROLE {name} SUPERUSER LOGIN PASSWORD '{name}'")
    for timeout in ("statement", "lock", "idle_session", "idle_in_transaction_session", "transaction"):
        await as_admin.execute(f"ALTER ROLE {name} SET {timeout}_timeout = '200ms'")
    url = server_url.set(username=name, password=name, database=name)
    waiting: list[str] = []

    async def install() -> None:
        async with installation.installation_lock(url, waiting.append):
            await installation.create_database(url)
            await installation.create_roles(url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD)
            await asyncio.to_thread(migrate, url)

    try:
        async with installation.installation_lock(url, waiting.append):
            second = asyncio.create_task(install())
            await until(lambda: asyncio.sleep(0, len(waiting) > 0), "the second installation waits")
            await asyncio.sleep(0.5)  # longer than every timeout
            assert not second.done()
        await second
    finally:
        await drop_database(server_url.set(database=name))
        await as_admin.execute(f"DROP ROLE {name}")


async def test_no_password_reaches_the_servers_log() -> None:
    """Neither in a statement nor in the context of one that fails, though the server logs whatever it can."""
    chatty = {"log_statement": "all", "log_min_error_statement": "debug5", "log_min_messages": "info"}
    password = "never-in-a-log"
    with EmbeddedPostgres.temporary(settings=chatty) as server:
        url = make_url(server.url("tenancy"))
        await installation.create_database(url)
        await installation.create_roles(url, api_password=password, operator_password=password)
        admin = await TestDatabase(url).connect_as_admin()
        await admin.execute("CREATE ROLE weak LOGIN CREATEROLE; GRANT ALL ON DATABASE tenancy TO weak")
        await admin.execute("ALTER ROLE weak PASSWORD 'weak'")
        await admin.close()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await installation.create_roles(
                url.set(username="weak", password="weak"), api_password=password, operator_password=password
            )
        log = server.log.read_text(encoding="utf-8")
    assert "ALTER ROLE tenancy_api PASSWORD" in log
    assert password not in log


async def test_the_service_gives_stuck_connections_back(as_api: asyncpg.Connection) -> None:
    """The service's role has time limits on statements, locks and open transactions, and keeps tokens out of logs."""
    names = (
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "transaction_timeout",
        "track_activities",
        "log_parameter_max_length",
        "log_parameter_max_length_on_error",
        "search_path",
    )
    found = [await as_api.fetchval("SELECT current_setting($1)", name) for name in names]
    assert found == ["5s", "2s", "10s", "15s", "off", "0", "0", "pg_catalog"]
