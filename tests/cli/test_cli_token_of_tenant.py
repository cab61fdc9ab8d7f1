"""`mtdb token list` and `revoke` of one tenant or organisation."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
import typer
from sqlalchemy import URL

from multi_tenant_db.cli.exit_code import ExitCode
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import mtdb, settings_for
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.terminal import Terminal
from tests.support.test_database import TestDatabase

VALID = "SELECT token_id FROM tenancy_private.access_tokens WHERE revoked_at IS NULL AND organization_id = $1"


@pytest.fixture(scope="module")
async def database(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give these tests a database of their own, with few tokens to list."""
    async with fresh_database(server_url) as database:
        yield database


async def listed(database: TestDatabase, *options: str) -> list[str]:
    """Return the ids of the listed tokens."""
    outcome = await mtdb("token", "list", "--json", *options, env=settings_for(database))
    assert outcome.exit_code == 0
    return [row["token_id"] for row in outcome.json]


@pytest.mark.parametrize("by", ["name", "id"])
async def test_the_list_of_a_tenant_and_of_an_organisation(
    database: TestDatabase, registry: Registry, hsbc: Organization, barclays: Organization, by: str
) -> None:
    """--tenant lists the tokens of that tenant alone, --organization also those of its subsidiaries."""
    parent = hsbc.parent
    given = parent.name if by == "name" else str(parent.tenant_id)
    own = [str(registry.token_id(party.token)) for party in hsbc.parties]
    dead = await registry.issue_token(parent.tenant_id, parent.tenant_id)
    await registry.revoke(dead)

    assert barclays.parent.token
    assert await listed(database, "--tenant", given) == own[:1]
    assert await listed(database, "--organization", given) == own
    assert await listed(database, "--tenant", given, "--all") == [own[0], str(registry.token_id(dead))]


async def test_pages_of_a_list(database: TestDatabase, registry: Registry, hsbc: Organization) -> None:
    """The newest are listed, and the line on stderr names the option that lists those before."""
    ids = [str(registry.token_id(party.token)) for party in hsbc.parties]
    of_hsbc = ("token", "list", "--json", "--organization", hsbc.parent.name, "--limit", "2")
    last = await mtdb(*of_hsbc, env=settings_for(database))
    first = await mtdb(*of_hsbc, "--before", ids[1], env=settings_for(database))

    assert [row["token_id"] for row in last.json] == ids[1:]
    assert last.stderr == f"only the newest 2 are listed: see --limit, or --before {ids[1]}\n"
    assert ([row["token_id"] for row in first.json], first.stderr) == (ids[:1], "")


async def test_revoking_the_tokens_of_a_tenant(
    database: TestDatabase, as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """--tenant revokes the tokens of that tenant and counts them; --organization those that are left."""
    child = hsbc.subsidiaries[0]
    await registry.issue_token(hsbc.parent.tenant_id, child.tenant_id)
    of_child = await mtdb("token", "revoke", "--tenant", child.name, "--yes", env=settings_for(database))
    left = {row[0] for row in await as_admin.fetch(VALID, hsbc.parent.tenant_id)}
    of_all = await mtdb("token", "revoke", "--organization", hsbc.parent.name, "-y", env=settings_for(database))

    assert (of_child.exit_code, of_child.stdout) == (0, f"2 tokens of {child.name} were revoked\n")
    assert left == {registry.token_id(party.token) for party in hsbc.parties if party != child}
    assert of_all.stdout == f"2 tokens of {hsbc.parent.name} and its subsidiaries were revoked\n"
    assert await as_admin.fetch(VALID, hsbc.parent.tenant_id) == []


@pytest.mark.parametrize("agreed", [True, False])
async def test_a_terminal_is_asked_first(
    database: TestDatabase,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    monkeypatch: pytest.MonkeyPatch,
    *,
    agreed: bool,
) -> None:
    """In a terminal the question names the tenant; without a yes nothing is revoked."""
    asked: list[str] = []

    def confirm(text: str, **_: bool) -> bool:
        asked.append(text)
        if not agreed:
            raise typer.Abort
        return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(typer, "confirm", confirm)
    outcome = await mtdb("token", "revoke", "--organization", hsbc.parent.name, env=settings_for(database))

    assert asked == [f"Revoke all tokens of {hsbc.parent.name} and its subsidiaries?"]
    assert (outcome.exit_code == 0) is agreed
    assert bool(await as_admin.fetch(VALID, hsbc.parent.tenant_id)) is not agreed


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ([], "name a token_id, --tenant or --organization"),
        ([str(uuid4()), "--tenant", "HSBC"], "one of them"),
        (["--tenant", "HSBC", "--organization", "HSBC"], "one of them"),
        (["--tenant", "HSBC"], "confirm with --yes"),
    ],
)
async def test_a_revocation_that_is_not_clear(database: TestDatabase, options: list[str], advice: str) -> None:
    """Without a choice, with two, or without a confirmation outside a terminal, nothing is revoked."""
    outcome = await mtdb("token", "revoke", *options, env=settings_for(database, COLUMNS="200"))

    assert (outcome.exit_code, outcome.stdout) == (ExitCode.USAGE, "")
    assert advice in outcome.stderr


@pytest.mark.parametrize("command", ["list", "revoke"])
async def test_an_organisation_is_named_by_its_parent(database: TestDatabase, hsbc: Organization, command: str) -> None:
    """A subsidiary is no organisation: the line names the other option, and the parent's id."""
    yes = ("--yes",) if command == "revoke" else ()
    child = hsbc.subsidiaries[0].name
    outcome = await mtdb("token", command, "--organization", child, *yes, env=settings_for(database))

    assert outcome.exit_code == ExitCode.FAILED
    assert outcome.complaint == (f"mtdb: {child} is a subsidiary: name its parent {hsbc.parent.tenant_id}")


async def test_a_list_has_one_owner(database: TestDatabase) -> None:
    """Both options at once are wrong usage."""
    both = ("--tenant", "HSBC", "--organization", "HSBC")
    outcome = await mtdb("token", "list", *both, env=settings_for(database, COLUMNS="200"))

    assert outcome.exit_code == ExitCode.USAGE
    assert "--tenant or --organization, not both" in outcome.stderr
