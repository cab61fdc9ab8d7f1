"""`mtdb seed`: the bank story, added once and repaired where something is missing."""

import asyncpg
import pytest
from rich.progress import Progress

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.services import seed_service
from multi_tenant_db.services.seed_service import read_sample_data
from tests.support.context import stored_tenants
from tests.support.mtdb import mtdb, settings_for
from tests.support.test_database import TestDatabase

STORY = read_sample_data()
TENANTS = sum(1 + len(group["subsidiaries"]) for group in STORY)
UNDER_HSBC = """
    SELECT name
    FROM tenancy.tenants
    WHERE organization_id = (SELECT tenant_id FROM tenancy.tenants WHERE name = 'HSBC' AND parent_tenant_id IS NULL)
      AND parent_tenant_id IS NOT NULL
"""


async def seed(database: TestDatabase) -> tuple[str, list[asyncpg.Record]]:
    """Seed, and return the last line and what is stored afterwards."""
    outcome = await mtdb("seed", env=settings_for(database))
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    connection = await database.connect_as_admin()
    try:
        return outcome.stdout, await stored_tenants(connection)
    finally:
        await connection.close()


async def execute(database: TestDatabase, statement: str) -> str:
    """Run a statement as the superuser."""
    connection = await database.connect_as_admin()
    try:
        return str(await connection.execute(statement))
    finally:
        await connection.close()


async def test_seeding_tells_the_whole_story_once(own: TestDatabase) -> None:
    """The first run adds every group with its subsidiaries and their metadata, the second adds and changes nothing."""
    said, stored = await seed(own)
    said_again, stored_again = await seed(own)

    assert f"{len(STORY)} groups with {TENANTS} tenants; {TENANTS} were added" in said
    assert f"{TENANTS} tenants; 0 were added" in said_again
    assert stored_again == stored
    heads = {row["tenant_id"]: row["name"] for row in stored if row["tenant_type"] == "parent"}
    tree = {(heads[row["organization_id"]], row["name"]) for row in stored if row["tenant_type"] == "subsidiary"}
    assert sorted(heads.values()) == sorted(group["name"] for group in STORY)
    assert tree == {(group["name"], member["name"]) for group in STORY for member in group["subsidiaries"]}
    assert all(row["metadata"] != "{}" for row in stored)


async def test_seeding_repairs_what_is_missing_and_nothing_else(own: TestDatabase) -> None:
    """A deleted subsidiary comes back, while renamed ones, changed metadata and tenants of others stay as they are."""
    await seed(own)
    assert await execute(own, "DELETE FROM tenancy.tenants WHERE name = 'HSBC London'") == "DELETE 1"
    await execute(own, "UPDATE tenancy.tenants SET metadata = '{\"mine\": true}' WHERE name = 'HSBC'")
    await execute(own, "INSERT INTO tenancy.tenants (tenant_type, name) VALUES ('parent', 'My own bank')")
    said, stored = await seed(own)

    assert "1 were added" in said
    connection = await own.connect_as_admin()
    names = {row["name"] for row in await connection.fetch(UNDER_HSBC)}
    await connection.close()
    expected = next(group for group in STORY if group["name"] == "HSBC")
    assert names == {member["name"] for member in expected["subsidiaries"]}
    metadata = {row["name"]: row["metadata"] for row in stored}
    assert metadata["HSBC"] == '{"mine": true}'
    assert "My own bank" in metadata


async def test_a_namesake_below_another_bank_is_no_group(own: TestDatabase) -> None:
    """A subsidiary that happens to be called like a group does not keep the group from being added."""
    await execute(own, "DELETE FROM tenancy.tenants")
    await execute(own, "INSERT INTO tenancy.tenants (tenant_type, name) VALUES ('parent', 'Museum')")
    await execute(
        own,
        "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name)"
        " SELECT 'subsidiary', tenant_id, 'HSBC' FROM tenancy.tenants",
    )
    said, stored = await seed(own)

    assert f"{TENANTS} were added" in said
    assert sorted(row["tenant_type"] for row in stored if row["name"] == "HSBC") == ["parent", "subsidiary"]


SIZES = (
    "SELECT count(*) FROM tenancy.tenants WHERE metadata @> '{\"generated\": true}' GROUP BY organization_id ORDER BY 1"
)
EVENTS = "SELECT count(*) FROM tenancy.tenant_events WHERE event_type = 'created' AND new_values @> $1"


async def sizes(database: TestDatabase) -> list[int]:
    """Return how many tenants each generated organisation has."""
    connection = await database.connect_as_admin()
    try:
        return [row[0] for row in await connection.fetch(SIZES)]
    finally:
        await connection.close()


async def test_generated_tenants_are_added_too(own: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Organisations of ten, the last one smaller; again, as many again; each with its event in the audit trail."""
    monkeypatch.setattr(seed_service, "GENERATED_BATCH", 20)
    outcome = await mtdb("seed", "--tenants", "43", env=settings_for(own))
    once = await sizes(own)
    again = await mtdb("seed", "--tenants", "11", env=settings_for(own))

    assert (outcome.exit_code, outcome.stderr, again.exit_code) == (0, "", 0)
    assert "\n43 generated tenants were added, too\n" in outcome.stdout
    assert once == [3, 10, 10, 10, 10]
    assert await sizes(own) == [1, 3, 10, 10, 10, 10, 10]
    connection = await own.connect_as_admin()
    assert await connection.fetchval(EVENTS, '{"metadata": {"generated": true}}') == 54
    await connection.close()


async def test_an_interrupted_seed_adds_nothing(own: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Generated tenants are added all or none, and the command's own token is revoked all the same."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "advance", interrupt)
    before = await sizes(own)
    outcome = await mtdb("seed", "--tenants", "43", env=settings_for(own))

    assert outcome.exit_code != 0
    assert await sizes(own) == before
    tokens = (await mtdb("token", "list", "--json", env=settings_for(own))).json
    assert [token for token in tokens if token["label"] == "mtdb seed"] == []


@pytest.mark.parametrize("count", ["-1", "1000001", "many"])
async def test_a_wrong_number_of_tenants_is_wrong_usage(own: TestDatabase, count: str) -> None:
    """What cannot be meant is refused before the database is asked."""
    outcome = await mtdb("seed", "--tenants", count, env=settings_for(own))

    assert (outcome.exit_code, outcome.stdout) == (ExitCode.USAGE, "")
