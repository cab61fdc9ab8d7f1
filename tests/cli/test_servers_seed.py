"""`mtdb seed` and `mtdb audit` on several servers."""

import json
from typing import Any

import pytest

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.services.seed_service import read_sample_data, spread
from tests.support.context import stored_tenants
from tests.support.mtdb import mtdb, settings_for
from tests.support.test_database import TestDatabase

STORY = read_sample_data()
NAMES = [group["name"] for group in STORY]
TENANTS = sum(1 + len(group["subsidiaries"]) for group in STORY)
SIZES = (
    "SELECT count(*) FROM tenancy.tenants WHERE metadata @> '{\"generated\": true}' GROUP BY organization_id ORDER BY 1"
)


async def fetch(database: TestDatabase, query: str) -> list[Any]:
    """Return the first column of what the superuser reads."""
    admin = await database.connect_as_admin()
    try:
        return [row[0] for row in await admin.fetch(query)]
    finally:
        await admin.close()


async def groups_of(database: TestDatabase) -> set[str]:
    """Return the groups of the sample data that are on a server."""
    return {*await fetch(database, "SELECT name FROM tenancy.tenants WHERE parent_tenant_id IS NULL")} & {*NAMES}


async def test_the_sample_data_is_spread_and_stays(
    both: dict[str, str], one_away: dict[str, str], own: TestDatabase, other: TestDatabase
) -> None:
    """New groups go to the servers in turn, except one that was on a server before; a second run adds nothing."""
    admin = await other.connect_as_admin()
    await admin.execute("INSERT INTO tenancy.tenants (tenant_type, name) VALUES ('parent', $1)", NAMES[0])
    refused = await mtdb("seed", env=one_away)
    nothing = await groups_of(own)
    first = await mtdb("seed", env=both)
    stored = [await groups_of(own), await groups_of(other)]
    rows = await stored_tenants(admin)
    again = await mtdb("seed", env=both)

    assert (refused.exit_code, refused.stdout, nothing) == (ExitCode.NO_DATABASE, "", set())
    assert refused.stderr.startswith("mtdb: server c: ")
    assert (first.exit_code, first.stderr) == (0, "")
    assert f"{TENANTS} tenants; {TENANTS - 1} were added" in first.stdout
    assert stored == [{*NAMES[2::2]}, {NAMES[0], *NAMES[1::2]}]
    assert f"{TENANTS} tenants; 0 were added" in again.stdout
    assert await stored_tenants(admin) == rows
    await admin.close()


async def test_generated_organisations_are_spread(both: dict[str, str], own: TestDatabase, other: TestDatabase) -> None:
    """Organisations of ten go to the servers in turn; the last is smaller."""
    outcome = await mtdb("seed", "--tenants", "43", env=both)

    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert [await fetch(own, SIZES), await fetch(other, SIZES)] == [[3, 10, 10], [10, 10]]


@pytest.mark.parametrize(
    ("generated", "servers", "shares"),
    [(0, 3, [0, 0, 0]), (9, 2, [9, 0]), (10, 2, [10, 0]), (15, 2, [10, 5]), (43, 1, [43]), (47, 3, [20, 17, 10])],
)
def test_every_generated_tenant_has_its_server(generated: int, servers: int, shares: list[int]) -> None:
    """The shares are whole organisations in turn, and add up."""
    assert spread(generated, servers) == shares


async def test_the_audit_trail_is_one_for_all_servers(
    both: dict[str, str], one_away: dict[str, str], own: TestDatabase, other: TestDatabase
) -> None:
    """Events of all servers stand newest first, each with its server; a server that is away is named."""
    for number, database in enumerate((own, other, own, other)):
        admin = await database.connect_as_admin()
        await admin.execute("INSERT INTO tenancy.tenants (tenant_type, name) VALUES ('parent', $1)", f"Event {number}")
        await admin.close()
    outcome = await mtdb("audit", "--limit", "3", "--json", env=both)
    with_one_away = await mtdb("audit", "--limit", "3", "--json", env=one_away)
    one = await mtdb("audit", "--limit", "1", "--json", "--server", "default", env=both)
    table = await mtdb("audit", "--limit", "1", env=both | {"COLUMNS": "80"})
    single = await mtdb("audit", "--limit", "1", "--json", env=settings_for(own))

    events = [json.loads(line) for line in outcome.stdout.splitlines()]
    named = [(event["new_values"]["name"], event["server"]) for event in events]
    assert named == [("Event 3", "b"), ("Event 2", "default"), ("Event 1", "b")]
    assert (with_one_away.exit_code, with_one_away.stdout) == (ExitCode.NO_DATABASE, outcome.stdout)
    assert with_one_away.stderr.startswith("mtdb: server c: ")
    assert "Event 2" in one.stdout
    assert one.stdout == single.stdout
    assert "server" not in single.stdout
    heading, first, second, *_ = table.stdout.splitlines()
    assert heading.startswith("occurred_at; server")
    assert "Event 3" in first
    assert second.split()[0] == "b"
