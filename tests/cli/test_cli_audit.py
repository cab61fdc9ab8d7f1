"""`mtdb audit`: who changed what and when, for people and for scripts."""

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from tests.support.audit import token_id_of
from tests.support.command_line import CommandLine
from tests.support.mtdb import mtdb as run_mtdb
from tests.support.mtdb import settings_for
from tests.support.organization import Organization
from tests.support.requests import create, delete, new_subsidiary, replace
from tests.support.test_database import TestDatabase

COLUMNS = {
    "organization_id",
    "tenant_id",
    "event_id",
    "event_type",
    "occurred_at",
    "old_values",
    "new_values",
    "token_id",
    "token_label",
    "operator_token_id",
    "operator_label",
    "actor_tenant_id",
    "database_role",
    "request_id",
    "table_name",
}

LINES_OF_AN_EVENT = 3


@pytest.fixture
def mtdb(database: TestDatabase) -> CommandLine:
    """Run commands on the database of the tests."""
    return CommandLine(database)


async def test_json_lines_tell_everything(
    mtdb: CommandLine, client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """Each line is an object with every column of an event, the newest first; deleted tenants are there, too."""
    request_id = f"audited-{uuid4().hex[:8]}"
    body = new_subsidiary(hsbc.parent)
    tenant_id = (await create(client, hsbc.parent, body)).json()["tenant_id"]
    await replace(client, hsbc.parent, tenant_id, "Renamed [/] 匯豐", X_Request_ID=request_id)
    await delete(client, hsbc.parent, tenant_id)

    result = await mtdb.run("audit", tenant_id, "--json")

    assert (result.exit_code, result.stderr) == (0, "")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event_type"] for event in events] == ["deleted", "updated", "created"]
    assert all(set(event) == COLUMNS for event in events)
    updated = events[1]
    assert (updated["old_values"]["name"], updated["new_values"]["name"]) == (body["name"], "Renamed [/] 匯豐")
    assert (events[2]["old_values"], events[0]["new_values"]) == (None, None)
    assert updated["request_id"] == request_id
    assert UUID(updated["token_id"]) == await token_id_of(as_admin, hsbc.parent.token)
    assert UUID(updated["actor_tenant_id"]) == hsbc.parent.tenant_id
    assert datetime.now(UTC) - datetime.fromisoformat(updated["occurred_at"]) < timedelta(minutes=5)


async def test_the_table_tells_the_essentials(mtdb: CommandLine, client: httpx.AsyncClient, hsbc: Organization) -> None:
    """An event names time, verb, tenant, token and request; a name that looks like markup is shown as it is."""
    child, name = hsbc.subsidiaries[0], "Bank [bold]of[/nowhere] [/]"
    answer = await replace(client, hsbc.parent, child.tenant_id, name)

    result = await mtdb.run("audit", str(child.tenant_id))

    assert (result.exit_code, result.stderr) == (0, "")
    head, *lines = result.stdout.splitlines()
    assert [title for title in ("occurred_at", "event", "tenant_id", "by", "request_id") if title not in head] == []
    assert len(lines) == 2 * LINES_OF_AN_EVENT
    updated, created = "\n".join(lines[:LINES_OF_AN_EVENT]), "\n".join(lines[LINES_OF_AN_EVENT:])
    assert all(word in updated for word in ("updated", name, str(child.tenant_id), answer.headers["X-Request-ID"]))
    assert all(word in created for word in ("created", child.name))


@pytest.mark.parametrize("columns", ["80", "100", "200"])
async def test_a_narrow_table_breaks_no_id(
    database: TestDatabase, client: httpx.AsyncClient, hsbc: Organization, columns: str
) -> None:
    """On a terminal of eighty columns no line is longer, and times and ids stay whole."""
    tenant_id, request_id = str(hsbc.parent.tenant_id), f"mtdb-{uuid4()}-longer-than-ours"
    await replace(client, hsbc.parent, tenant_id, "Narrow " + "x" * 100, X_Request_ID=request_id)
    table = (await run_mtdb("audit", tenant_id, "--limit", "1", env=settings_for(database, COLUMNS=columns))).stdout

    assert max(map(len, table.splitlines())) <= int(columns)
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d ", table)
    assert tenant_id in table
    assert request_id in table
    assert "…" not in table


async def test_nothing_reaches_the_terminal_that_does_not_print(
    mtdb: CommandLine, as_api: asyncpg.Connection, hsbc: Organization
) -> None:
    """A request id set by SQL may hold a terminal's commands, or letters that run backwards: they are shown escaped."""
    async with as_api.transaction():
        await as_api.execute("SELECT tenancy.sign_in($1, $2)", hsbc.parent.token, "a\x1b]0;b\x07\u202ec\x9bd")
        renamed = "UPDATE tenancy.tenants SET name = $2 WHERE tenant_id = $1"
        await as_api.execute(renamed, hsbc.parent.tenant_id, "Bank\u2066 \u200b.")
    result = await mtdb.run("audit", str(hsbc.parent.tenant_id), "--limit", "1")

    assert r"a\x1b]0;b\x07\u202ec\x9bd" in result.stdout
    assert r"Bank\u2066 \u200b." in result.stdout
    assert all(character.isprintable() or character == "\n" for character in result.stdout)


async def test_a_change_without_a_token_is_shown_by_its_database_role(
    mtdb: CommandLine, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """What was changed past the service stands out: the role instead of a token's label, and no request."""
    superuser = await as_admin.fetchval("SELECT session_user")
    await as_admin.execute("UPDATE tenancy.tenants SET name = 'By hand' WHERE tenant_id = $1", hsbc.parent.tenant_id)
    result = await mtdb.run("audit", str(hsbc.parent.tenant_id), "--limit", "1")
    line = next(line for line in result.stdout.splitlines() if "By hand" in line)
    assert superuser in line
    assert "test" not in line.split()


async def test_the_limit_counts_the_newest_over_all_tenants(
    mtdb: CommandLine, client: httpx.AsyncClient, hsbc: Organization, barclays: Organization
) -> None:
    """Without an id the latest events of all organisations come, as many as asked for."""
    for organization in (hsbc, barclays):
        await replace(client, organization.parent, organization.parent.tenant_id, f"New {uuid4()}")
    result = await mtdb.run("audit", "--limit", "3", "--json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    newest = [str(organization.parent.tenant_id) for organization in (barclays, hsbc)]
    assert len(events) == 3
    assert [event["tenant_id"] for event in events[:2]] == newest


async def test_an_unknown_tenant_has_no_events(mtdb: CommandLine, hsbc: Organization) -> None:
    """An id that nothing happened to is no error: JSON prints nothing, the table only its head."""
    unknown = str(uuid4())
    as_json, as_table = await mtdb.run("audit", unknown, "--json"), await mtdb.run("audit", unknown)
    assert (as_json.exit_code, as_json.stdout) == (0, "")
    assert as_table.exit_code == 0
    assert "occurred_at" in as_table.stdout
    assert hsbc.parent.name not in as_table.stdout


@pytest.mark.parametrize("arguments", [["not-an-id"], ["--limit", "0"], ["--limit", "10001"], ["--limit", "many"]])
async def test_wrong_usage_is_said_and_exits_with_2(mtdb: CommandLine, arguments: list[str]) -> None:
    """What cannot be meant is refused before the database is asked."""
    result = await mtdb.run("audit", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value" in result.stderr


async def test_reading_the_trail_leaves_no_live_token(
    mtdb: CommandLine, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """The command reads under a token of its own, which is revoked when it ends."""
    assert (await mtdb.run("audit", str(hsbc.parent.tenant_id))).exit_code == 0
    states = await as_admin.fetch(
        "SELECT revoked_at IS NOT NULL AS revoked FROM tenancy_private.access_tokens WHERE label = 'mtdb audit'"
    )
    assert states
    assert all(row["revoked"] for row in states)
