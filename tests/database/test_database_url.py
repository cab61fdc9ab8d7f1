"""MTDB_DATABASE_URL: every command parses it alike, or refuses it in one line."""

from pathlib import Path

import pytest
from sqlalchemy import text

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.database_url import read_database_url
from multi_tenant_db.settings import Settings
from tests.support.engines import pool
from tests.support.mtdb import mtdb, mtdb_process, settings_for
from tests.support.test_database import TestDatabase

UNDERSTOOD = {
    "postgresql://h/t": "//h/t",
    "postgres://h:1/t": "//h:1/t",
    "postgresql+asyncpg://h/t": "//h/t",
    "postgresql:///t": "///t",
    "postgresql://u:p%40%3A@h:1/a%20b": "//u:p%40%3A@h:1/a b",
    "postgresql://[::1]:5/t": "//[::1]:5/t",
    "postgresql://h1:1,h2/t": "///t?hosts=h1%3A1&hosts=h2%3A5432",
    "postgresql://u:p@h1:1,h2:2/t": "//u:p@/t?hosts=h1%3A1&hosts=h2%3A2",
    "postgresql://u@x/t?host=h1:1&host=h2": "//u@/t?hosts=h1%3A1&hosts=h2%3A5432",
    "postgresql:///t?host=h1,h2&port=1,2": "///t?hosts=h1%3A1&hosts=h2%3A2",
    "postgresql:///t?host=h1,h2&port=1": "///t?hosts=h1%3A1&hosts=h2%3A1",
    "postgresql:///t?host=[::1]:5&host=[::2]": "///t?hosts=%3A%3A1%3A5&hosts=%3A%3A2%3A5432",
    "postgresql:///t?host=/run/postgresql": "///run/postgresql/t",
    "postgresql://h/t?target_session_attrs=primary": "//h/t?target_session_attrs=primary",
    "postgresql://h/t?application_name=x&connect_timeout=3": "//h/t?application_name=x&connect_timeout=3",
    "postgresql://h/t?options=-c%20a%3Db&channel_binding=prefer": "//h/t?options=-c+a%3Db",
}

REFUSED = {
    "postgresql://h": "name of the database is missing",
    "postgresql://h/t?host=h1:x&host=h2:2": "'x' is not a port",
    "postgresql://h/t?host=h1:0": "'0' is not a port",
    "postgresql://h/t?host=h1,h2,h3&port=1,2": "3 hosts and 2 ports",
    "postgresql://h/t?port=5433": "write the port after its host",
    "postgresql://h/t?channel_binding=require": "channel_binding=require is not supported",
    "postgresql://h/t?connect_timeout=soon": "whole number of seconds",
    "postgresql://h/t?sslmode=require": "PGSSLMODE",
    "postgresql://h/t?sslrootcert=x": "PGSSLROOTCERT",
    "postgresql://h/t?target_session_attrs=master": "target_session_attrs must be one of",
    "postgresql://h/t?application_name=a&application_name=b": "is repeated",
    "postgresql://h/t?keepalives=1": "keepalives=1 is not supported",
    "postgresql://h/t?timeout=1": "timeout=1 is not supported",
    "postgresql://h/t?hosts=h1": "hosts=h1 is not supported",
    "postgresql://h/%00": "%00",
    "postgresql://h/t?application_name=%00": "%00",
    "mysql://h/t": "URL scheme should be",
    "h/t": "relative URL without a base",
}

PASSWORDS = {"MTDB_API_PASSWORD": "x", "MTDB_OPERATOR_PASSWORD": "x"}


@pytest.fixture
def url(database: TestDatabase) -> str:
    """Name the database up to its parameters."""
    at = database.admin_url
    return f"postgresql://{at.host}:{at.port}/{at.database}"


@pytest.mark.parametrize("given", UNDERSTOOD)
def test_what_is_understood(given: str) -> None:
    """All spellings of hosts give the same address, and parameters unknown to the driver are translated."""
    assert read_database_url(given).render_as_string(hide_password=False) == f"postgresql+asyncpg:{UNDERSTOOD[given]}"
    settings = Settings.model_validate({"database_url": given})
    assert read_database_url(str(settings.database_url)) == read_database_url(given)


@pytest.mark.parametrize("given", REFUSED)
@pytest.mark.parametrize("command", [["check"], ["migrate"], ["token", "list"]], ids=" ".join)
async def test_what_is_refused(given: str, command: list[str]) -> None:
    """Every command reports the error in one line, and connects to no server."""
    outcome = await mtdb(*command, env=PASSWORDS | {"MTDB_DATABASE_URL": given})

    assert outcome.exit_code == ExitCode.USAGE
    assert REFUSED[given] in outcome.complaint


@pytest.mark.exhaustive
async def test_the_service_refuses_it_too(tmp_path: Path) -> None:
    """`mtdb serve` refuses an invalid URL before it starts."""
    environment = PASSWORDS | {"MTDB_DATABASE_URL": "postgresql://h/t?keepalives=1"}
    outcome = await mtdb_process("serve", env=environment, cwd=tmp_path)

    assert outcome.exit_code == ExitCode.USAGE
    assert "keepalives=1 is not supported" in outcome.complaint


async def test_parameters_reach_the_server(database: TestDatabase, url: str) -> None:
    """The name of the application and the server's options are those of the URL."""
    given = f"{url}?application_name=a%20name&options=-c%20DateStyle%3DGerman&connect_timeout=7&channel_binding=disable"
    async with pool(database, database_url=given) as engine, transaction(engine) as session:
        said = await session.execute(text("SELECT current_setting('application_name'), current_setting('DateStyle')"))
        assert said.one() == ("a name", "German, DMY")


@pytest.mark.parametrize("command", [["check"], ["token", "list"]], ids=" ".join)
async def test_commands_take_several_hosts(database: TestDatabase, command: list[str]) -> None:
    """Every command accepts the URLs that the service accepts."""
    at = database.admin_url
    given = f"postgresql://{at.host}:1,{at.host}:{at.port}/{at.database}?target_session_attrs=primary"
    outcome = await mtdb(*command, env=settings_for(database) | {"MTDB_DATABASE_URL": given})

    assert outcome.exit_code == 0, outcome.stderr


async def test_migrations_take_several_hosts(database: TestDatabase) -> None:
    """`mtdb migrate` accepts a URL of several hosts."""
    at = database.admin_url
    given = f"postgresql://{at.username}:{at.password}@{at.host}:1,{at.host}:{at.port}/{at.database}?connect_timeout=5"
    outcome = await mtdb("migrate", env=settings_for(database) | {"MTDB_DATABASE_URL": given})

    assert outcome.exit_code == 0, outcome.stderr
