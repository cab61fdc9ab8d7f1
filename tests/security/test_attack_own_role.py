"""Changing the service's own role: PostgreSQL lets every role change its password and its defaults."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import asyncpg
import pytest
from sqlalchemy import URL, make_url

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.schema import installation
from tests.support.attack import refused, residual
from tests.support.attempt import attempt
from tests.support.fresh_database import fresh_database
from tests.support.registry import Registry
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD, TestDatabase

GROUP = "hijacking"
REPAIRED = "the service stops, and no rows are visible, until `mtdb migrate` undoes the change"
DEFAULTS = [
    "SET row_security = off",
    "SET role = tenancy_platform",
    "SET statement_timeout = 1",
    "SET default_transaction_isolation = 'repeatable read'",
    "SET default_transaction_read_only = on",
    "SET search_path = public",
    "IN DATABASE {database} SET row_security = off",
]


@pytest.fixture(scope="module")
def own_server() -> Iterator[URL]:
    """Run a server of these tests' own, since roles belong to the whole server."""
    with EmbeddedPostgres.temporary() as server:
        yield make_url(server.url())


@pytest.fixture(scope="module")
async def own_database(own_server: URL) -> AsyncIterator[TestDatabase]:
    """Make a database on that server."""
    async with fresh_database(own_server) as database:
        yield database


async def repair(database: TestDatabase) -> None:
    """Run what `mtdb migrate` runs for the roles."""
    await installation.create_roles(database.admin_url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD)


@residual(GROUP, REPAIRED)
@pytest.mark.parametrize("change", DEFAULTS)
async def test_setting_a_default(own_database: TestDatabase, change: str) -> None:
    """To have every later session of the service begin with a setting of the attacker's choice."""
    operator, attacker = await own_database.connect_as_operator(), await own_database.connect_as_api()
    theirs = await Registry(operator).create_organization("Theirs")
    setting = change.format(database=own_database.admin_url.database)
    await attacker.execute(f"ALTER ROLE CURRENT_USER {setting}")

    later = await own_database.connect_as_api()
    count = "SELECT name FROM tenancy.tenants"
    names: set[str] = set()
    with suppress(asyncpg.PostgresError):
        names = {row["name"] for row in await attempt(later, theirs.parent.token, count)}
    assert names <= {party.name for party in theirs.parties}

    await repair(own_database)
    mended = await own_database.connect_as_api()
    assert len(await attempt(mended, theirs.parent.token, count)) == len(theirs.parties)
    assert await mended.fetchval("SELECT count(*) FROM pg_db_role_setting WHERE setdatabase <> 0") == 0
    for connection in (operator, attacker, later, mended):
        await connection.close()


@residual(
    GROUP, "new connections fail until `mtdb migrate` sets the password again; use certificates where that matters"
)
async def test_changing_the_password(own_database: TestDatabase) -> None:
    """To log in from anywhere, with the rights that the injection had."""
    attacker = await own_database.connect_as_api()
    await attacker.execute("ALTER ROLE CURRENT_USER PASSWORD 'mine'")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await own_database.connect_as_api()
    await repair(own_database)
    service = await own_database.connect_as_api()
    assert await attempt(service, None, "SELECT FROM tenancy.tenants") == []
    await service.close()
    await attacker.close()


@refused(GROUP)
@pytest.mark.parametrize(
    "setting",
    [
        "app.current_tenant = 'x'",
        "track_activities = on",
        "log_statement = 'all'",
        "log_parameter_max_length = -1",
        "session_preload_libraries = 'auto_explain'",
        "session_replication_role = replica",
        "event_triggers = off",
    ],
)
async def test_setting_a_forbidden_default(own_database: TestDatabase, setting: str) -> None:
    """To plant a token, a library or more logging in every later session."""
    attacker = await own_database.connect_as_api()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attacker.execute(f"ALTER ROLE CURRENT_USER SET {setting}")
    await attacker.close()
