"""`mtdb tenant list` and `show`: an operator's overview, under the policies."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import URL

from multi_tenant_db.cli.exit_code import ExitCode
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import mtdb, settings_for
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase


@pytest.fixture(scope="module")
async def own(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give a database whose tenants these tests may count."""
    async with fresh_database(server_url) as database:
        yield database


@pytest.fixture(scope="module")
async def banks(own: TestDatabase) -> list[Organization]:
    """Make two organisations, in key order."""
    operator = await own.connect_as_operator()
    registry = Registry(operator)
    made = [await registry.create_organization(name) for name in ("HSBC", "Barclays")]
    await operator.close()
    return made


async def test_all_tenants_are_listed_in_pages(own: TestDatabase, banks: list[Organization]) -> None:
    """A page says where the next one begins; together they are all tenants, a parent before its subsidiaries."""
    expected = [str(party.tenant_id) for bank in banks for party in bank.parties]
    listed: list[str] = []
    arguments: list[str] = []
    page: dict[str, Any] = {}
    for _ in range(3):
        page = (await mtdb("tenant", "list", "--limit", "2", "--json", *arguments, env=settings_for(own))).json
        listed += [item["tenant_id"] for item in page["items"]]
        arguments = ["--after", str(page["next_cursor"])]
    assert listed == expected
    assert page["next_cursor"] is None
    assert page["items"][0]["metadata"] == {}


async def test_a_list_has_filters(own: TestDatabase, banks: list[Organization]) -> None:
    """An organisation, by name or id, and a type restrict the list; an unknown one has no tenants."""
    hsbc = banks[0]
    children = [str(party.tenant_id) for party in hsbc.subsidiaries]
    for organization, kind, expected in (
        (hsbc.parent.name, "subsidiary", children),
        (str(hsbc.parent.tenant_id), "parent", [str(hsbc.parent.tenant_id)]),
        (children[0], "subsidiary", []),
        (hsbc.subsidiaries[0].name, "subsidiary", []),
        ("\udcff", "subsidiary", []),
    ):
        options = ("--organization", organization, "--type", kind, "--json")
        outcome = await mtdb("tenant", "list", *options, env=settings_for(own))
        assert [item["tenant_id"] for item in outcome.json["items"]] == expected


async def test_the_table_fits_a_terminal(own: TestDatabase, banks: list[Organization]) -> None:
    """Ids stay whole in eighty columns, and the cursor is on stderr."""
    outcome = await mtdb("tenant", "list", "--limit", "5", env=settings_for(own, COLUMNS="80"))
    lines = outcome.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(str(party.tenant_id) in outcome.stdout for party in banks[0].parties)
    assert outcome.stderr.startswith("more tenants follow: --after ")
    cursor = outcome.stderr.split()[-1]
    rest = await mtdb("tenant", "list", "--after", cursor, env=settings_for(own))
    assert (len(rest.stdout.splitlines()), rest.stderr) == (3, "")


async def test_two_servers_are_listed_as_one(own: TestDatabase, banks: list[Organization]) -> None:
    """With several servers each tenant has its server's label; here both labels are of one database."""
    both = settings_for(own, MTDB_SERVERS__B=settings_for(own)["MTDB_DATABASE_URL"])
    page = (await mtdb("tenant", "list", "--limit", "3", "--json", env=both)).json
    assert [item["server"] for item in page["items"]] == ["b", "default", "b"]
    assert "b" in (await mtdb("tenant", "list", "--limit", "1", env=both)).stdout.split()
    shown = await mtdb("tenant", "show", str(banks[0].parent.tenant_id), "--server", "b", env=both)
    assert shown.exit_code == 0
    ambiguous = await mtdb("tenant", "show", str(banks[0].parent.tenant_id), env=both)
    assert "choose one with --server" in ambiguous.complaint


async def test_a_tenant_is_shown(own: TestDatabase, banks: list[Organization]) -> None:
    """A parent has a number of subsidiaries, a subsidiary has its parent; both their tokens and last change."""
    parent, child = banks[1].parent, banks[1].subsidiaries[0]
    summary = (await mtdb("tenant", "show", parent.name, "--json", env=settings_for(own))).json
    assert (summary["subsidiaries"], summary["valid_tokens"], summary["parent"]) == (2, 1, None)
    assert summary["last_event"]["event_type"] == "created"
    assert summary["last_event"]["by"] == "test"
    text = (await mtdb("tenant", "show", str(child.tenant_id), env=settings_for(own))).stdout
    assert f"{parent.name} ({parent.tenant_id})" in text
    assert "valid tokens: 1" in text
    assert "subsidiaries: 2" in (await mtdb("tenant", "show", parent.name, env=settings_for(own))).stdout


async def test_a_purged_trail_has_no_last_change(own: TestDatabase, banks: list[Organization]) -> None:
    """A tenant whose events are gone is shown without one."""
    child = banks[1].subsidiaries[1]
    admin = await own.connect_as_admin()
    await admin.execute("DELETE FROM tenancy.tenant_events WHERE tenant_id = $1", child.tenant_id)
    await admin.close()
    both = settings_for(own, MTDB_SERVERS__B="postgresql://127.0.0.1:1/tenancy")
    outcome = await mtdb("tenant", "show", str(child.tenant_id), env=both)
    assert "last change" not in outcome.stdout
    assert "server:       default" in outcome.stdout
    summary = (await mtdb("tenant", "show", str(child.tenant_id), "--json", env=settings_for(own))).json
    assert summary["last_event"] is None


async def test_mistakes_are_told(own: TestDatabase, banks: list[Organization]) -> None:
    """An unknown tenant and a wrong cursor end the command with a line."""
    assert banks
    outcome = await mtdb("tenant", "show", "No such bank", env=settings_for(own))
    assert (outcome.exit_code, "there is no tenant" in outcome.complaint) == (ExitCode.FAILED, True)
    outcome = await mtdb("tenant", "list", "--after", "x", env=settings_for(own))
    assert (outcome.exit_code, "not a cursor" in outcome.stderr) == (ExitCode.USAGE, True)


async def test_the_overview_leaves_no_valid_token(own: TestDatabase, banks: list[Organization]) -> None:
    """Each command reads with a token of its own, and revokes it."""
    await mtdb("tenant", "show", banks[0].parent.name, env=settings_for(own))
    admin = await own.connect_as_admin()
    states = await admin.fetch(
        "SELECT revoked_at IS NOT NULL AS is_revoked FROM tenancy_private.access_tokens WHERE label LIKE 'mtdb tenant%'"
    )
    await admin.close()
    assert states
    assert all(row["is_revoked"] for row in states)
