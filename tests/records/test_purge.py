"""`mtdb audit purge`: old events go, and the trail says so."""

import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
import typer
from sqlalchemy import URL

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.moving.administration import connect
from multi_tenant_db.records import purge as purging
from multi_tenant_db.records.purge import purge
from tests.records.commands import administer, administrators_settings
from tests.support.context import presenting
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import mtdb
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

PURGE = ("audit", "purge")
COUNT = "SELECT count(*) FROM tenancy.tenant_events WHERE organization_id = $1"


@pytest.fixture
async def own(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give a database of the test's own."""
    async with fresh_database(server_url) as database:
        yield database


@pytest.fixture
async def as_owner_of_all(own: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the command does."""
    connection = await connect(own.admin_url, "default")
    yield connection
    await connection.close()


@pytest.fixture
async def banks(own: TestDatabase, as_owner_of_all: asyncpg.Connection) -> list[Organization]:
    """Make two organisations whose events are a year old."""
    operator = await own.connect_as_operator()
    made = [await Registry(operator).create_organization(name) for name in ("HSBC", "Barclays")]
    await operator.close()
    await as_owner_of_all.execute("UPDATE tenancy.tenant_events SET occurred_at = occurred_at - interval '1 year'")
    return made


def yesterday() -> str:
    """Return a date that is after those events, and before now."""
    return (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


async def test_old_events_of_all_go(
    own: TestDatabase, as_owner_of_all: asyncpg.Connection, banks: list[Organization]
) -> None:
    """The newer stay; one event, which only platform operators see, has the number."""
    head = banks[0].parent.tenant_id
    await as_owner_of_all.execute("UPDATE tenancy.tenants SET metadata = '{}' WHERE tenant_id = $1", head)
    outcome = await administer(own, *PURGE, "--before", yesterday(), "--yes")
    assert (outcome.exit_code, outcome.stdout) == (0, "6 events were deleted\n")
    assert await as_owner_of_all.fetchval(COUNT, head) == 1
    shown = await administer(own, "audit", "--json", "--limit", "1")
    event = json.loads(shown.stdout)
    assert (event["event_type"], event["table_name"]) == ("deleted", "tenant_events")
    assert event["old_values"] == {"before": f"{yesterday()}T00:00:00+00:00", "events": 6}
    assert {event["organization_id"], event["tenant_id"]} == {str(UUID(int=0))}
    service = await own.connect_as_api()
    async with presenting(service, banks[0].parent.token):
        assert await service.fetchval("SELECT count(*) FROM tenancy.tenant_events") == 1
    await service.close()
    assert "deleted in tenant_events" in (await administer(own, "audit", COLUMNS="200")).stdout


async def test_old_events_of_an_organisation_go(
    own: TestDatabase, as_owner_of_all: asyncpg.Connection, banks: list[Organization]
) -> None:
    """It is recorded in its own trail, which the organisation sees; another's events stay."""
    hsbc, barclays = banks
    named = ("--organization", hsbc.parent.name)
    outcome = await administer(own, *PURGE, "--before", yesterday(), *named, "--yes", "--json")
    [purged] = outcome.json
    assert (purged["server"], purged["events"]) == ("default", 3)
    assert await as_owner_of_all.fetchval(COUNT, barclays.parent.tenant_id) == 3
    service = await own.connect_as_api()
    async with presenting(service, hsbc.parent.token):
        [event] = await service.fetch("SELECT table_name, old_values FROM tenancy.tenant_events")
    await service.close()
    assert (event["table_name"], json.loads(event["old_values"])["events"]) == ("tenant_events", 3)


async def test_nothing_old_is_no_event(own: TestDatabase, banks: list[Organization]) -> None:
    """A purge that deletes nothing leaves no trace."""
    assert banks
    outcome = await administer(own, *PURGE, "--before", "2020-01-01T12:00:00+02:00", "--yes")
    assert outcome.stdout == "0 events were deleted\n"
    assert len((await administer(own, "audit", "--json")).stdout.splitlines()) == 6


async def test_an_interrupted_purge_has_counted(
    as_owner_of_all: asyncpg.Connection, banks: list[Organization], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step records what it deletes, in its transaction; the next run has an event of its own."""
    monkeypatch.setattr(purging, "BLOCKS", 1)
    head = banks[0].parent.tenant_id
    await as_owner_of_all.execute("""
        INSERT INTO tenancy.tenant_events
            (organization_id, tenant_id, event_type, new_values, database_role, occurred_at)
        SELECT organization_id, tenant_id, event_type, new_values, database_role, occurred_at
        FROM tenancy.tenant_events CROSS JOIN generate_series(1, 100)
    """)

    class Interrupted(Exception):
        pass

    steps: list[int] = []

    def interrupt(deleted: int) -> None:
        steps.append(deleted)
        if len(steps) == 3:
            raise Interrupted

    before = datetime.fromisoformat(f"{yesterday()}T00:00:00+00:00")
    with pytest.raises(Interrupted):
        await purge(as_owner_of_all, before, progress=interrupt)
    told = "SELECT old_values ->> 'events' FROM tenancy.tenant_events WHERE organization_id = $1 ORDER BY event_id"
    nil = UUID(int=0)
    assert await as_owner_of_all.fetchval(told, nil) == str(steps[-1])
    rest = await purge(as_owner_of_all, before)
    assert steps[-1] + rest == 606
    assert [row[0] for row in await as_owner_of_all.fetch(told, nil)] == [str(steps[-1]), str(rest)]
    assert await as_owner_of_all.fetchval(COUNT, head) == 0


@pytest.mark.parametrize("is_sure", [True, False])
async def test_it_asks_first(
    own: TestDatabase,
    as_owner_of_all: asyncpg.Connection,
    banks: list[Organization],
    monkeypatch: pytest.MonkeyPatch,
    is_sure: bool,
) -> None:
    """A terminal is asked."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: is_sure)
    outcome = await administer(own, *PURGE, "--before", yesterday(), "--organization", banks[0].parent.name)
    assert outcome.exit_code == (0 if is_sure else ExitCode.USAGE)
    assert "This deletes the events of HSBC" in outcome.stderr
    assert await as_owner_of_all.fetchval(COUNT, banks[0].parent.tenant_id) == (1 if is_sure else 3)


async def test_mistakes_are_told(own: TestDatabase, banks: list[Organization]) -> None:
    """A date in the future or in another form, a subsidiary, a script without --yes, a server that is away."""
    child = banks[0].subsidiaries[0].name
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    away = "postgresql://a:b@127.0.0.1:1/tenancy"
    for arguments, changes, code, said in (
        (("--before", tomorrow, "--yes"), {}, ExitCode.USAGE, "in the future"),
        (("--before", "last year", "--yes"), {}, ExitCode.USAGE, "2025-01-01"),
        (("--before", yesterday()), {}, ExitCode.USAGE, "use --yes to delete"),
        (("--before", yesterday(), "--organization", child, "--yes"), {}, ExitCode.FAILED, "name its parent"),
        (("--before", yesterday(), "--organization", "None", "--yes"), {}, ExitCode.FAILED, "there is no tenant"),
        (("--before", yesterday(), "--yes"), {"MTDB_DATABASE_URL": away}, ExitCode.NO_DATABASE, "cannot be reached"),
    ):
        outcome = await mtdb(*PURGE, *arguments, env=administrators_settings(own, COLUMNS="200") | changes)
        assert (outcome.exit_code, said in outcome.stderr) == (code, True), outcome.stderr


async def test_several_servers_are_purged(own: TestDatabase, banks: list[Organization]) -> None:
    """Each has its line."""
    assert banks
    environment = administrators_settings(own)
    environment["MTDB_SERVERS__B"] = environment["MTDB_DATABASE_URL"]
    outcome = await mtdb(*PURGE, "--before", yesterday(), "--yes", env=environment)
    assert outcome.stdout == "server default: 6 events were deleted\nserver b: 0 events were deleted\n"


async def test_the_trail_is_shown_as_before(own: TestDatabase, banks: list[Organization]) -> None:
    """`mtdb audit`, with or without an id, and `mtdb audit show` are the same; help names both commands."""
    head = str(banks[0].parent.tenant_id)
    shown = await administer(own, "audit", head, "--json")
    assert len(shown.stdout.splitlines()) == 1
    assert (await administer(own, "audit", "show", head, "--json")).stdout == shown.stdout
    assert (await administer(own, "audit", "--json", head)).stdout == shown.stdout
    usage = (await administer(own, "audit", "--help")).stdout
    assert "show" in usage
    assert "purge" in usage
