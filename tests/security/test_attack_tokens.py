"""Stealing tokens: reading another caller's token in the server's views and logs."""

import asyncio
import re
from collections.abc import Iterator

import asyncpg
import pytest
from sqlalchemy import make_url

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.schema import installation
from tests.support.attack import refused, residual, sees_nothing
from tests.support.attempt import attempt, attempt_quietly
from tests.support.context import presenting, visible_ids
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import API_PASSWORD, OPERATOR_PASSWORD, TestDatabase

GROUP = "stealing tokens"
SIGN_IN = "SELECT * FROM tenancy.sign_in($1, 'r')"
EVERYTHING = {"log_statement": "all", "log_min_duration_statement": "0", "log_min_error_statement": "log"}


@pytest.fixture(scope="module")
def chatty_server() -> Iterator[EmbeddedPostgres]:
    """Run a server whose administrator logs every statement with its parameters, and reads too much in them."""
    with EmbeddedPostgres.temporary(settings=EVERYTHING) as server:
        yield server


def log_since(server: EmbeddedPostgres, position: int) -> str:
    """Return what the server logged from a position of its file on."""
    return server.log.read_bytes()[position:].decode(errors="replace")


def secrets_in(log: str, token: str) -> list[str]:
    """Return the forms in which a log holds a token: as text, in hexadecimal, or as the bytes of a dumped plan."""
    squeezed = re.sub(r"\s+", "", log)  # a dumped plan is wrapped anywhere
    dumped = "".join(str(byte) for byte in token.encode())
    return [form for form in (token, token.encode().hex(), dumped) if form in squeezed]


@sees_nothing(GROUP)
@pytest.mark.parametrize("view", ["pg_stat_activity", "pg_stat_get_activity(NULL)"])
async def test_what_other_backends_run(
    as_api: asyncpg.Connection, database: TestDatabase, hsbc: Organization, view: str
) -> None:
    """To read a token off the statement that another session of the same role runs at the moment."""
    victim = await database.connect_as_api()
    sleeping = asyncio.create_task(victim.execute(f"SELECT pg_sleep(0.3), '{hsbc.parent.token}'"))
    await asyncio.sleep(0.1)
    rows = [str(row) for row in await as_api.fetch(f"SELECT activity::text FROM {view} AS activity")]
    await sleeping
    await victim.close()
    assert rows
    assert not [row for row in rows if hsbc.parent.token in row]


@refused(GROUP)
async def test_statistics_of_statements(as_api: asyncpg.Connection) -> None:
    """To read the texts that pg_stat_statements collects of all roles."""
    with pytest.raises(asyncpg.UndefinedTableError):
        await as_api.fetch("SELECT query FROM public.pg_stat_statements")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_api.execute("CREATE EXTENSION pg_stat_statements")


@sees_nothing(GROUP)
@pytest.mark.parametrize("view", ["pg_prepared_statements", "pg_cursors"])
async def test_statements_and_cursors_of_other_sessions(
    as_api: asyncpg.Connection, database: TestDatabase, hsbc: Organization, view: str
) -> None:
    """To read other sessions' prepared statements and cursors."""
    victim = await database.connect_as_api()
    async with presenting(victim, hsbc.parent.token):
        await victim.execute(f"PREPARE secret AS SELECT '{hsbc.parent.token}'")
        await victim.execute(f"DECLARE secret CURSOR FOR SELECT '{hsbc.parent.token}'")
        rows = await as_api.fetch(f"SELECT name, statement FROM {view}")
    await victim.close()
    assert not [row for row in rows if "secret" in row["name"] or hsbc.parent.token in row["statement"]]


@refused(GROUP)
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM tenancy_private.access_tokens",
        "SELECT tenancy_private.current_access_token()",
        "SELECT tenancy.list_tokens()",
        "SELECT tenancy.issue_tenant_token(sha256('x'), gen_random_uuid(), gen_random_uuid(), 'mine', '1 day')",
        "SELECT tenancy.issue_platform_operator_token(sha256('x'), 'mine', '1 day')",
        "SELECT stavalues1::text FROM pg_catalog.pg_statistic",
        "SELECT rolpassword FROM pg_catalog.pg_authid",
        "SELECT pg_catalog.pg_read_file('postgresql.auto.conf')",
        "SELECT pg_catalog.pg_ls_logdir()",
        "SELECT pg_catalog.pg_read_binary_file('server.log')",
    ],
)
async def test_the_places_where_secrets_lie(as_api: asyncpg.Connection, statement: str) -> None:
    """To read hashes, passwords or the server's files, or to issue a token."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_api.execute(statement)


@refused(GROUP)
async def test_error_texts(as_api: asyncpg.Connection, hsbc: Organization) -> None:
    """To be shown a token, or half of one, in the text of an error."""
    for token in (hsbc.parent.token[:-1], f"{hsbc.parent.token}x", f"{hsbc.parent.token}\n"):
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError) as refusal:
            await as_api.fetch(SIGN_IN, token)
        error = refusal.value
        parts = (error.message, error.detail, error.hint, error.context, error.query, str(error.as_dict()))
        assert not [part for part in parts if part and hsbc.parent.token[5:20] in part]


@sees_nothing(GROUP)
async def test_a_plan_printed_to_the_client(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """To have the server print, with its plans, what a token is compared with: a hash, a key, another's token."""
    told: list[str] = []
    as_api.add_log_listener(lambda _, message: told.append(f"{message.message} {message.detail}"))
    printing = [f"SET LOCAL debug_print_{what} = on" for what in ("parse", "rewritten", "plan")]
    sign_in = f"SELECT * INTO TEMP loot FROM tenancy.sign_in('{hsbc.parent.token}')"
    for statement in ("SELECT * FROM tenancy.tenants", "SELECT tenancy.current_tenant_id()", sign_in):
        await attempt_quietly(as_api, hsbc.parent.token, "SET LOCAL client_min_messages = debug1", *printing, statement)
    theirs = "SELECT token_hash FROM tenancy_private.access_tokens WHERE organization_id = ANY ($1)"
    hashes = await as_admin.fetch(theirs, [hsbc.parent.tenant_id, barclays.parent.tenant_id])
    assert len(hashes) == len(hsbc.parties) + len(barclays.parties)
    printed = " ".join(told)
    assert "PLANNEDSTMT" in printed
    assert secrets_in(printed, hsbc.parent.token), "the caller's own statement is printed, and searched"
    assert not [row for row in hashes if secrets_in(printed, row["token_hash"].hex())]
    assert not [party for party in barclays.parties if secrets_in(printed, party.token)]


@residual(
    GROUP, "SQL inside the very transaction that a caller opened with their token reads it; no other transaction does"
)
async def test_the_variable_itself(as_api: asyncpg.Connection, database: TestDatabase, hsbc: Organization) -> None:
    """To read the token where it has to be: in the context of the transaction that it was presented in."""
    show = "SELECT current_setting('app.current_tenant', true) AS value"
    other = await database.connect_as_api()
    async with presenting(as_api, hsbc.parent.token):
        assert await as_api.fetchval(show) == hsbc.parent.token
        assert not await other.fetchval(show)
    assert not await as_api.fetchval(show)
    await other.close()


@pytest.mark.exhaustive
@sees_nothing(GROUP)
async def test_a_log_of_everything(chatty_server: EmbeddedPostgres) -> None:
    """To find tokens in the log of a server that logs all statements, durations and errors."""
    async with fresh_database(make_url(chatty_server.url())) as database:
        operator, service = await database.connect_as_operator(), await database.connect_as_api()
        bank = await Registry(operator).create_organization("Logged")
        begin = chatty_server.log.stat().st_size
        await attempt(service, bank.parent.token, "SELECT * FROM tenancy.tenants")
        await service.fetch(SIGN_IN, bank.parent.token)
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await service.fetch(SIGN_IN, f"{bank.parent.token}x")
        with pytest.raises(asyncpg.QueryCanceledError):
            await attempt(service, bank.parent.token, "SET LOCAL statement_timeout = 50", "SELECT pg_sleep(1)")
        await service.close()
        await operator.close()
    log = log_since(chatty_server, begin)
    assert "sign_in($1" in log
    assert "canceling statement" in log
    assert secrets_in(log, bank.parent.token) == []


@residual(
    GROUP,
    "a role may change its own defaults: debug_print_plan writes the tokens of later sessions into the server's log, "
    "which the role cannot read; `mtdb migrate` takes the change back",
)
async def test_defaults_that_make_the_server_log_tokens(chatty_server: EmbeddedPostgres) -> None:
    """To have the tokens of all later callers written where an accomplice finds them."""
    async with fresh_database(make_url(chatty_server.url())) as database:
        operator, attacker = await database.connect_as_operator(), await database.connect_as_api()
        bank = await Registry(operator).create_organization("Logged")
        await attacker.execute("ALTER ROLE CURRENT_USER SET debug_print_plan = on")
        await attacker.execute("ALTER ROLE CURRENT_USER SET plan_cache_mode = force_custom_plan")  # with the values
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await attacker.fetch(
                "SELECT pg_catalog.pg_read_file(current_setting('data_directory') || '/../server.log')"
            )
        assert secrets_in(await _log_of_a_request(chatty_server, database, bank), bank.parent.token) != []

        await installation.create_roles(
            database.admin_url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD
        )
        assert secrets_in(await _log_of_a_request(chatty_server, database, bank), bank.parent.token) == []
        await attacker.close()
        await operator.close()


async def _log_of_a_request(server: EmbeddedPostgres, database: TestDatabase, bank: Organization) -> str:
    begin = server.log.stat().st_size
    service = await database.connect_as_api()
    async with service.transaction():
        await service.fetch(SIGN_IN, bank.parent.token)
        assert len(await visible_ids(service)) == len(bank.parties)
    await service.close()
    return log_since(server, begin)
