"""`mtdb token`: read-only tokens, ends, rotation, and view tokens."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import typer
from sqlalchemy import URL

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.database.failures import READ_ONLY_TOKEN
from tests.support.attempt import attempt, error_of
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import mtdb, settings_for
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.terminal import Terminal
from tests.support.test_database import TestDatabase

WRITE = "UPDATE tenancy.tenants SET name = name"
SIGN_IN = "SELECT caller_role FROM tenancy.sign_in($1)"


@pytest.fixture(scope="module")
async def database(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give these tests a database of their own, with few tokens to list."""
    async with fresh_database(server_url) as database:
        yield database


async def may_write(as_api: asyncpg.Connection, token: str) -> bool:
    """Return whether the token writes; anything but a refusal of a read-only token is an error."""
    async with as_api.transaction():
        await as_api.fetch(SIGN_IN, token)
    try:
        await attempt(as_api, token, WRITE)
    except asyncpg.PostgresError as error:
        if error.sqlstate == READ_ONLY_TOKEN:
            return False
        raise
    return True


async def listed(database: TestDatabase, token_id: str) -> dict[str, Any]:
    """Return the token as it is listed."""
    rows: list[dict[str, Any]] = (await mtdb("token", "list", "--all", "--json", env=settings_for(database))).json
    return next(row for row in rows if row["token_id"] == token_id)


async def test_a_read_only_token(database: TestDatabase, as_api: asyncpg.Connection, hsbc: Organization) -> None:
    """--read-only issues a token whose writes are refused; it is told and listed as such, in eighty columns."""
    environment = settings_for(database, COLUMNS="80")
    told = await mtdb("token", "issue", hsbc.parent.name, "--read-only", env=environment)
    issued = (await mtdb("token", "issue", hsbc.parent.name, "--read-only", "--json", env=environment)).json
    table = (await mtdb("token", "list", env=environment)).stdout

    assert "(mtdb token issue, read-only) expires at" in told.stderr
    assert not await may_write(as_api, told.stdout.strip())
    assert issued["may_write"] is False
    assert (await listed(database, issued["token_id"]))["may_write"] is False
    lines = table.splitlines()
    number = next(number for number, line in enumerate(lines) if issued["token_id"] in line)
    assert lines[number].rstrip().endswith("live")
    assert lines[number + 1].rstrip().endswith("read-only")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("given", ["{day}", "{day}T12:00Z", "{day}T12:00", "{day}T12:00+01:00"])
async def test_a_token_ends_when_said(database: TestDatabase, hsbc: Organization, given: str) -> None:
    """--expires takes a day or a time, in UTC unless it names an offset, and is kept to the second."""
    text = given.format(day=(datetime.now(UTC) + timedelta(days=30)).date())
    meant = datetime.fromisoformat(text)
    issue = ("token", "issue", hsbc.parent.name, "--json", "--expires", text)
    issued = (await mtdb(*issue, env=settings_for(database))).json

    assert datetime.fromisoformat(issued["expires_at"]) == (meant if meant.tzinfo else meant.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (["HSBC", "--expires", "tomorrow"], "write a day or a time"),
        (["HSBC", "--expires", "2020-01-01"], "would have expired already"),
        (["HSBC", "--expires", "2999-01-01"], "at most 366 days"),
        (["HSBC", "--expires", "2999-01-01", "--lifetime", "1h"], "--lifetime or --expires, not both"),
        (["HSBC", "--writable"], "--writable belongs to --as"),
        (["HSBC", "--as", "HSBC"], "--as names the tenant"),
        (["--platform-operator", "--as", "HSBC"], "--as names the tenant"),
        (["--as", "HSBC", "--writable", "--read-only"], "not both"),
        (["--as", "HSBC", "--lifetime", "13h"], "at most 12 hours"),
        (["--as", "HSBC"], "set MTDB_TOKEN"),
    ],
)
async def test_options_that_do_not_fit(database: TestDatabase, options: list[str], advice: str) -> None:
    """Options that contradict each other, or values that cannot be, are wrong usage with advice."""
    outcome = await mtdb("token", "issue", *options, env=settings_for(database, COLUMNS="200"))

    assert (outcome.exit_code, outcome.stdout) == (ExitCode.USAGE, "")
    assert advice in outcome.stderr


@pytest.mark.parametrize("read_only", [True, False])
async def test_rotating_a_token(
    database: TestDatabase, as_api: asyncpg.Connection, hsbc: Organization, *, read_only: bool
) -> None:
    """The successor has tenant, label and right of the former token, which ends after the grace period."""
    environment = settings_for(database)
    kind = ("--read-only",) if read_only else ()
    issue = ("token", "issue", hsbc.parent.name, "--label", "nightly", "--json", *kind)
    former = (await mtdb(*issue, env=environment)).json
    rotated = (await mtdb("token", "rotate", former["token_id"], "--grace", "5m", "--json", env=environment)).json
    ends = datetime.fromisoformat((await listed(database, former["token_id"]))["expires_at"])

    assert await may_write(as_api, rotated["token"]) is not read_only
    assert await may_write(as_api, former["token"]) is not read_only
    assert (rotated["label"], rotated["may_write"]) == ("nightly", not read_only)
    assert (await listed(database, rotated["token_id"]))["tenant_id"] == str(hsbc.parent.tenant_id)
    assert timedelta(minutes=4) < ends - datetime.now(UTC) <= timedelta(minutes=5)


async def test_a_token_that_is_not_rotated(database: TestDatabase, registry: Registry, hsbc: Organization) -> None:
    """A revoked token, a view token, and an unknown id are one line that says where to look."""
    head = hsbc.parent.tenant_id
    dead = await registry.issue_token(head, head)
    await registry.revoke(dead)
    view = await registry.issue_view_token(await registry.issue_operator_token(), head, head)
    for token_id in (registry.token_id(dead), registry.token_id(view), uuid4()):
        outcome = await mtdb("token", "rotate", str(token_id), env=settings_for(database))
        assert outcome.exit_code == ExitCode.FAILED
        assert outcome.complaint == f"mtdb: no valid token {token_id} can be rotated: see `mtdb token list`"


@pytest.mark.parametrize("writable", [True, False])
async def test_acting_as_a_tenant(
    database: TestDatabase, as_api: asyncpg.Connection, hsbc: Organization, *, writable: bool
) -> None:
    """--as takes the operator's token from the environment; list and audit name the operator, in eighty columns."""
    environment = settings_for(database, COLUMNS="80")
    label = f"Anna {uuid4().hex[:6]}"
    issue = ("token", "issue", "--platform-operator", "-q", "--label", label)
    operator = (await mtdb(*issue, env=environment)).stdout.strip()
    options = ("--writable",) if writable else ()
    member = hsbc.subsidiaries[0]
    view = (*("token", "issue", "--as", member.name, "--json"), *options)
    issued = (await mtdb(*view, env=environment | {"MTDB_TOKEN": operator})).json
    assert await may_write(as_api, issued["token"]) is writable
    row = await listed(database, issued["token_id"])
    table = (await mtdb("token", "list", "--tenant", member.name, env=environment)).stdout
    events = [
        json.loads(line)
        for line in (await mtdb("audit", str(member.tenant_id), "--json", env=environment)).stdout.splitlines()
    ]
    trail = (await mtdb("audit", str(member.tenant_id), env=environment)).stdout

    assert (row["operator_label"], row["tenant_id"], row["may_write"]) == (label, str(member.tenant_id), writable)
    assert f"for {label}" in table
    assert max(map(len, (table + trail).splitlines())) <= 80
    seen = [(event["event_type"], event["table_name"], event["token_label"]) for event in events[: 1 + writable]]
    assert seen[-1] == ("created", "access_tokens", label)
    assert {event["operator_label"] for event in events[: 1 + writable]} == {label}
    assert f"created in access_tokens, {label}, mtdb token issue" in trail
    if writable:
        assert seen[0] == ("updated", "tenants", "mtdb token issue")
        assert f"updated, mtdb token issue for {label}, {member.name}" in trail


@pytest.mark.parametrize("kind", ["a tenant", "nonsense"])
async def test_acting_without_an_operators_token(database: TestDatabase, hsbc: Organization, kind: str) -> None:
    """Any other token in the environment is one line."""
    token = hsbc.parent.token if kind == "a tenant" else kind
    view = ("token", "issue", "--as", hsbc.parent.name)
    outcome = await mtdb(*view, env=settings_for(database, MTDB_TOKEN=token))

    assert outcome.exit_code == ExitCode.FAILED
    assert "is not a valid platform operator's" in outcome.complaint


async def test_a_read_only_operator_gives_no_writable_view(database: TestDatabase, hsbc: Organization) -> None:
    """With an operator's token that may only read, --writable is refused in one line."""
    issue = ("token", "issue", "--platform-operator", "-q", "--read-only")
    operator = (await mtdb(*issue, env=settings_for(database))).stdout.strip()
    view = ("token", "issue", "--as", hsbc.parent.name, "--writable")
    outcome = await mtdb(*view, env=settings_for(database, MTDB_TOKEN=operator))

    assert outcome.exit_code == ExitCode.FAILED
    assert "operator's token is read-only" in outcome.complaint


async def test_the_operators_token_is_asked_for_in_a_terminal(
    database: TestDatabase, as_api: asyncpg.Connection, hsbc: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the variable, a terminal asks, and does not show what is typed; the prompt is not on stdout."""
    issue = ("token", "issue", "--platform-operator", "-q")
    operator = (await mtdb(*issue, env=settings_for(database))).stdout.strip()
    asked: list[dict[str, object]] = []

    def prompt(text: str, **options: object) -> str:
        asked.append({"text": text} | options)
        return operator

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(typer, "prompt", prompt)
    outcome = await mtdb("token", "issue", "--as", hsbc.parent.name, "-q", env=settings_for(database))

    assert asked == [{"text": "the platform operator's token", "hide_input": True, "err": True}]
    assert not await may_write(as_api, outcome.stdout.strip())
    error = await error_of(attempt(as_api, outcome.stdout.strip(), WRITE))
    assert error.sqlstate == READ_ONLY_TOKEN
