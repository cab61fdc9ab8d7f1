"""`mtdb token`: issue, list and revoke, by people and by scripts."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import URL

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development.ports import free_port
from multi_tenant_db.identity.access_token import TOKEN_PREFIX
from tests.support.context import presenting, visible_ids
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import Outcome, mtdb, mtdb_process, settings_for
from tests.support.organization import Organization
from tests.support.test_database import API_PASSWORD, TestDatabase

SIGN_IN = "SELECT caller_role FROM tenancy.sign_in($1)"


@pytest.fixture(scope="module")
async def database(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give these tests a database of their own: the one that the others share has thousands of tokens to list."""
    async with fresh_database(server_url) as database:
        yield database


async def listed(database: TestDatabase, label: str, *options: str) -> list[dict[str, str]]:
    """Return the listed tokens that carry the label."""
    outcome = await mtdb("token", "list", "--json", *options, env=settings_for(database))
    assert outcome.exit_code == 0
    return [row for row in outcome.json if row["label"] == label]


@pytest.mark.parametrize("by", ["name", "id"])
async def test_a_token_is_issued_by_name_and_by_id(
    database: TestDatabase, as_api: asyncpg.Connection, hsbc: Organization, by: str
) -> None:
    """The token alone is on standard output, it acts for the tenant, and the rest is told on standard error."""
    member = hsbc.subsidiaries[0]
    given = member.name if by == "name" else str(member.tenant_id)
    outcome = await mtdb("token", "issue", given, "--label", "for Anna", env=settings_for(database))

    assert outcome.exit_code == 0
    token = outcome.stdout.removesuffix("\n")
    assert token.startswith(TOKEN_PREFIX)
    assert "\n" not in token
    assert "(for Anna) expires at" in outcome.stderr
    assert token not in outcome.stderr
    async with presenting(as_api, token):
        assert await visible_ids(as_api) == [member.tenant_id]


async def test_quiet_prints_the_token_and_nothing_else(
    database: TestDatabase, as_api: asyncpg.Connection, hsbc: Organization, tmp_path: Path
) -> None:
    """The installed program, with --quiet, writes one line, so that a shell can take it; from whatever folder."""
    outcome = await mtdb_process(
        "token", "issue", hsbc.parent.name, "--quiet", env=settings_for(database), cwd=tmp_path
    )

    assert (outcome.exit_code, outcome.stderr, outcome.stdout.count("\n")) == (0, "", 1)
    async with presenting(as_api, outcome.stdout.strip()):
        assert len(await visible_ids(as_api)) == len(hsbc.parties)


async def test_a_script_gets_token_and_id_in_one_go(database: TestDatabase, hsbc: Organization) -> None:
    """With --json, one object tells the token and what `revoke` takes, and nothing else is written."""
    told = await mtdb("token", "issue", hsbc.parent.name, "--json", "--label", "a script", env=settings_for(database))

    assert told.stderr == ""
    assert told.json["token"].startswith(TOKEN_PREFIX)
    (row,) = await listed(database, "a script")
    assert {"token": told.json["token"]} | {name: row[name] for name in row if name in told.json} == told.json


async def test_a_platform_operators_token_reaches_all(database: TestDatabase, as_api: asyncpg.Connection) -> None:
    """--platform-operator issues a token that belongs to no tenant."""
    outcome = await mtdb("token", "issue", "--platform-operator", "-q", env=settings_for(database))

    async with as_api.transaction():
        assert await as_api.fetchval(SIGN_IN, outcome.stdout.strip()) == "platform_operator"


@pytest.mark.parametrize(
    ("lifetime", "meant"),
    [
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("366d", timedelta(days=366)),
        (" 1m ", timedelta(minutes=1)),
    ],
)
async def test_a_token_lives_as_long_as_said(
    database: TestDatabase, hsbc: Organization, lifetime: str, meant: timedelta
) -> None:
    """Minutes, hours and days are understood, up to a leap year."""
    label = f"lives {uuid4()}"
    issue = ("token", "issue", str(hsbc.parent.tenant_id), "--label", label, "--lifetime", lifetime)
    assert (await mtdb(*issue, env=settings_for(database))).exit_code == 0

    row = (await listed(database, label))[0]
    assert datetime.fromisoformat(row["expires_at"]) - datetime.fromisoformat(row["created_at"]) == meant


@pytest.mark.parametrize(
    ("option", "value", "advice"),
    [
        *(("--lifetime", text, "90m, 12h, 30d") for text in ("", "0h", "1", "h", "-1h", "1w", "1.5h", "1h30m", "٣h")),
        ("--lifetime", "367d", "at most 366 days"),
        ("--label", "", "1 to 200 characters"),
        ("--label", "x" * 201, "1 to 200 characters"),
        ("--label", "\udcff", "UTF-8"),
    ],
)
async def test_a_wrong_option_is_wrong_usage(database: TestDatabase, option: str, value: str, advice: str) -> None:
    """A lifetime or label that cannot be is refused with advice, before anything is issued."""
    issue = ("token", "issue", "--platform-operator", f"{option}={value}")
    outcome = await mtdb(*issue, env=settings_for(database))

    assert (outcome.exit_code, outcome.stdout) == (ExitCode.USAGE, "")
    assert advice in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ([], "name a tenant, or use --platform-operator"),
        (["HSBC", "--platform-operator"], "omit 'HSBC' or the option"),
    ],
)
async def test_a_token_is_for_a_tenant_or_an_operator(
    database: TestDatabase, arguments: list[str], advice: str
) -> None:
    """Naming nobody, or both, is wrong usage: a forgotten name never issues an operator's token."""
    outcome = await mtdb("token", "issue", *arguments, env=settings_for(database, COLUMNS="200"))

    assert (outcome.exit_code, outcome.stdout) == (ExitCode.USAGE, "")
    assert advice in outcome.stderr


async def test_a_tenant_deleted_at_this_moment_is_one_line(
    database: TestDatabase, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """When the tenant goes between the look-up and the issue, the line says so, and no token is left."""
    await as_admin.execute("""
        CREATE FUNCTION public.delete_it() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.tenant_id := gen_random_uuid();
            RETURN NEW;
        END $$;
        CREATE TRIGGER delete_it BEFORE INSERT ON tenancy_private.access_tokens FOR EACH ROW
        WHEN (NEW.label = 'gone') EXECUTE FUNCTION public.delete_it();
    """)
    try:
        issue = ("token", "issue", hsbc.parent.name, "--label", "gone")
        outcome = await mtdb(*issue, env=settings_for(database))
    finally:
        await as_admin.execute("DROP FUNCTION public.delete_it() CASCADE")

    assert outcome.exit_code == ExitCode.FAILED
    assert outcome.complaint == "mtdb: The tenant has just been deleted."


@pytest.mark.parametrize("name", ["Nobody's Bank", "\udcff", "", "6a78a56d-b5e0-43c6-baa4-63b9f36a5d3a"])
async def test_an_unknown_tenant_is_one_line(database: TestDatabase, name: str) -> None:
    """A name or id that nobody has, or that cannot be one, is refused in a line that says so."""
    outcome = await mtdb("token", "issue", name, env=settings_for(database))

    assert outcome.exit_code == ExitCode.FAILED
    assert "there is no tenant" in outcome.complaint


async def test_an_ambiguous_name_lists_the_ids(database: TestDatabase, as_admin: asyncpg.Connection) -> None:
    """When two organisations use a name, the line gives the ids to choose from."""
    name = f"Twins {uuid4()}"
    insert = "INSERT INTO tenancy.tenants (tenant_type, name) VALUES ('parent', $1) RETURNING tenant_id"
    twins = [await as_admin.fetchval(insert, name) for _ in range(2)]
    outcome = await mtdb("token", "issue", name, env=settings_for(database))

    assert outcome.exit_code == ExitCode.FAILED
    assert all(str(tenant_id) in outcome.complaint for tenant_id in twins)


async def test_the_list_shows_tokens_and_no_secret(database: TestDatabase, hsbc: Organization) -> None:
    """A live token is listed with tenant, label and state, whole ids included, and its secret nowhere."""
    label = f"for {uuid4().hex[:8]}"
    issue = ("token", "issue", str(hsbc.parent.tenant_id), "-q", "--label", label)
    token = (await mtdb(*issue, env=settings_for(database))).stdout.strip()
    row = (await listed(database, label))[0]
    table = (await mtdb("token", "list", env=settings_for(database, COLUMNS="120"))).stdout

    assert (row["tenant"], row["tenant_id"], row["state"]) == (hsbc.parent.name, str(hsbc.parent.tenant_id), "live")
    lines = table.splitlines()
    number = next(number for number, line in enumerate(lines) if row["token_id"] in line)
    assert label in lines[number + 1]
    assert token.removeprefix(TOKEN_PREFIX) not in table + json.dumps(row)


async def test_a_narrow_table_still_shows_whole_ids(database: TestDatabase, hsbc: Organization) -> None:
    """On a terminal of eighty columns neither ids nor times nor a short label are broken over lines."""
    label = f"narrow {uuid4().hex[:8]}"
    await mtdb("token", "issue", str(hsbc.parent.tenant_id), "--label", label, env=settings_for(database))
    row = (await listed(database, label))[0]
    table = await mtdb("token", "list", env=settings_for(database, COLUMNS="80"))

    assert max(map(len, table.stdout.splitlines())) <= 80
    assert row["expires_at"][:16].replace("T", " ") in table.stdout
    assert all(row[name] in table.stdout for name in ("token_id", "label", "state"))


async def test_a_revoked_token_opens_nothing(
    database: TestDatabase, as_api: asyncpg.Connection, hsbc: Organization
) -> None:
    """Revoking works once; the second time, as for an id that never was, the line says there is no such token."""
    label = f"leaves {uuid4()}"
    issue = ("token", "issue", str(hsbc.parent.tenant_id), "-q", "--label", label)
    token = (await mtdb(*issue, env=settings_for(database))).stdout.strip()
    token_id = (await listed(database, label))[0]["token_id"]

    first = await mtdb("token", "revoke", token_id, env=settings_for(database))
    assert (first.exit_code, first.stdout) == (0, f"token {token_id} is revoked\n")
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await as_api.execute(SIGN_IN, token)
    for again in (token_id, str(uuid4())):
        outcome = await mtdb("token", "revoke", again, env=settings_for(database))
        assert outcome.exit_code == ExitCode.FAILED
        assert f"no unrevoked token {again}" in outcome.complaint


async def test_the_command_leaves_no_live_token_of_its_own(own: TestDatabase) -> None:
    """The operator's token that each command works with is revoked before it ends, also when it fails."""
    await mtdb("token", "issue", "nobody", env=settings_for(own))
    await mtdb("token", "list", env=settings_for(own))
    rows = (await mtdb("token", "list", "--all", "--json", env=settings_for(own))).json

    assert {tuple(row[name] for name in ("label", "role", "tenant", "tenant_id", "state")) for row in rows} == {
        ("mtdb token issue", "platform_operator", None, None, "revoked"),
        ("mtdb token list", "platform_operator", None, None, "revoked"),
    }


MISTAKES: dict[str, tuple[dict[str, str], ExitCode, str]] = {
    "no settings": ({"MTDB_DATABASE_URL": ""}, ExitCode.USAGE, "MTDB_DATABASE_URL: Field required"),
    "no address": ({"MTDB_DATABASE_URL": "nonsense"}, ExitCode.USAGE, "MTDB_DATABASE_URL: Input should be a valid URL"),
    "wrong setting": ({"MTDB_POOL_SIZE": "many"}, ExitCode.USAGE, "MTDB_POOL_SIZE: Input should be a valid integer"),
    "wrong password": ({"MTDB_OPERATOR_PASSWORD": "wrong"}, ExitCode.NO_DATABASE, "password authentication failed"),
    "no password": ({"MTDB_OPERATOR_PASSWORD": ""}, ExitCode.NO_DATABASE, "password authentication failed"),
    "nobody there": (
        {"MTDB_DATABASE_URL": f"postgresql://127.0.0.1:{free_port()}/tenancy"},
        ExitCode.NO_DATABASE,
        "cannot be reached",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("command", [("token", "list"), ("seed",)])
async def test_a_mistake_is_one_line(database: TestDatabase, command: tuple[str, ...], mistake: str) -> None:
    """A missing or wrong setting, password or server ends in one line with the documented exit code."""
    changes, exit_code, message = MISTAKES[mistake]
    outcome = await mtdb(*command, env=settings_for(database, **changes))

    assert outcome.exit_code == exit_code
    assert message in outcome.complaint


async def test_a_database_without_schema_is_one_line(database: TestDatabase, own: TestDatabase) -> None:
    """Before the first migration, and as the wrong user, the line names both possibilities."""
    as_api = own.admin_url.set(username="tenancy_api", password=API_PASSWORD).render_as_string(hide_password=False)
    outcomes: list[Outcome] = [await mtdb("token", "list", env=settings_for(own, MTDB_DATABASE_URL=as_api))]
    async with fresh_database(database.admin_url, revision=None) as empty:
        outcomes.append(await mtdb("token", "list", env=settings_for(empty)))

    for outcome, reason in zip(outcomes, ("permission denied", 'schema "tenancy" does not exist'), strict=True):
        assert outcome.exit_code == ExitCode.FAILED
        assert reason in outcome.complaint
        assert "mtdb migrate" in outcome.complaint


async def test_the_list_is_timed_in_utc(database: TestDatabase, hsbc: Organization) -> None:
    """Times carry their offset, so that a script in another zone reads them right."""
    label = f"timed {uuid4()}"
    await mtdb("token", "issue", hsbc.parent.name, "--label", label, env=settings_for(database))
    created = datetime.fromisoformat((await listed(database, label))[0]["created_at"])

    assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)
