"""The planner's statistics: EXPLAIN tells nothing about other organisations' rows after ANALYZE."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest
from sqlalchemy import URL

from tests.support.attack import residual, sees_nothing
from tests.support.attempt import attempt
from tests.support.context import presenting
from tests.support.fresh_database import fresh_database
from tests.support.name_thief import recovered
from tests.support.organization import Organization
from tests.support.registry import Registry

GROUP = "side channels"
ORGANIZATIONS = 10_000
SECRET = "zebra"  # how many of the hidden names begin
EXPRESSIONS = ("t.name", "(t.name || '')")
ADD_HIDDEN = f"""
    INSERT INTO tenancy.tenants (tenant_type, name)
    SELECT 'parent', CASE WHEN n % 3 = 0 THEN '{SECRET} ' ELSE 'bank ' END || n
    FROM generate_series(1, $1::integer) AS n
"""
SAMPLE_NAMES = """
    ALTER TABLE tenancy.tenants ALTER COLUMN name SET STATISTICS -1;
    ALTER INDEX tenancy.tenants_name_unique_in_organization ALTER COLUMN 2 SET STATISTICS -1;
    ANALYZE tenancy.tenants;
"""
FORGET_NAMES = """
    ALTER TABLE tenancy.tenants ALTER COLUMN name SET STATISTICS 0;
    ALTER INDEX tenancy.tenants_name_unique_in_organization ALTER COLUMN 2 SET STATISTICS 0;
    DELETE FROM pg_statistic WHERE starelid IN (
        'tenancy.tenants'::regclass, 'tenancy.tenants_name_unique_in_organization'::regclass
    );
"""
EXISTING_STATISTICS = """
    SELECT format('%s.%s', starelid::regclass, staattnum)
    FROM pg_statistic
    JOIN pg_class ON pg_class.oid = starelid
    WHERE relnamespace::regnamespace::text IN ('tenancy', 'tenancy_private')
    UNION ALL
    SELECT stxrelid::regclass::text
    FROM pg_statistic_ext
    WHERE stxnamespace::regnamespace::text IN ('tenancy', 'tenancy_private')
"""
IDS = [
    *(("tenancy.tenants", column) for column in ("tenant_id", "organization_id", "parent_tenant_id")),
    *(("tenancy.tenant_events", column) for column in ("event_id", "tenant_id", "organization_id", "actor_tenant_id")),
]
MIDDLE = "80000000-0000-7000-8000-000000000000"
BEYOND = "ffffffff-ffff-7fff-bfff-000000000000"
NEWEST = "ffffffff-ffff-7fff-bfff-ffffffffffff"


@dataclass(frozen=True)
class World:
    """Ten thousand hidden organisations, analysed; one of them is the stranger whose token the attacker may hold."""

    as_api: asyncpg.Connection
    as_admin: asyncpg.Connection
    stranger: str

    @property
    def attackers(self) -> tuple[tuple[str | None, bool], ...]:
        """Return token and role of each: the service's role without and with a token, the platform's without."""
        return ((None, False), (None, True), (self.stranger, False))


@pytest.fixture(scope="module")
async def world(server_url: URL) -> AsyncIterator[World]:
    """Share one database among the tests of this file."""
    async with fresh_database(server_url) as database:
        as_api, as_admin = await database.connect_as_api(), await database.connect_as_admin()
        as_operator = await database.connect_as_operator()
        try:
            stranger = await Registry(as_operator).create_tenant("Stranger")
            await as_admin.execute(ADD_HIDDEN, ORGANIZATIONS)
            await as_admin.execute("ANALYZE")
            yield World(as_api, as_admin, stranger.token)
        finally:
            for connection in (as_api, as_admin, as_operator):
                await connection.close()


@sees_nothing(GROUP)
@pytest.mark.parametrize("expression", EXPRESSIONS)
async def test_names_letter_by_letter(world: World, expression: str) -> None:
    """To read ten thousand hidden names off row estimates, letter by letter; the same attack works on a sample."""
    for token, as_platform in world.attackers:
        assert await recovered(world.as_api, token, expression, as_platform=as_platform) == ""

    await world.as_admin.execute(SAMPLE_NAMES)
    try:
        for token, as_platform in world.attackers:
            found = await recovered(world.as_api, token, expression, as_platform=as_platform)
            assert found.startswith(("bank", SECRET)), "the attack itself no longer works"
    finally:
        await world.as_admin.execute(FORGET_NAMES)
    for token, as_platform in world.attackers:
        assert await recovered(world.as_api, token, expression, as_platform=as_platform) == ""


@sees_nothing(GROUP)
async def test_any_statistic_at_all(as_admin: asyncpg.Connection, hsbc: Organization) -> None:
    """To find a statistic of any column, index expression or statistics object of our schemas, after ANALYZE."""
    assert hsbc.parties
    await as_admin.execute("ANALYZE")
    assert await as_admin.fetch(EXISTING_STATISTICS) == []


@sees_nothing(GROUP)
@pytest.mark.parametrize(("table", "column"), IDS)
async def test_the_live_end_of_an_index(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, table: str, column: str
) -> None:
    """To follow the newest ids of all tenants by the estimate of what lies beyond a value, open transactions too."""
    assert hsbc.parties
    await as_admin.execute(
        "INSERT INTO tenancy.tenants (tenant_type, name) SELECT 'parent', 'x' FROM generate_series(1, 300)"
    )
    await as_admin.execute("ANALYZE")
    before = [await _plan(as_api, table, column, value) for value in (MIDDLE, BEYOND)]
    transaction = as_admin.transaction()
    await transaction.start()
    await as_admin.execute(
        f"INSERT INTO tenancy.tenants (tenant_id, tenant_type, name) VALUES ('{NEWEST}', 'parent', 'newest')"
    )
    during = [await _plan(as_api, table, column, value) for value in (MIDDLE, BEYOND)]
    await transaction.rollback()

    assert before == during
    assert before[0] == before[1]


@residual(
    GROUP,
    "how many rows and pages each table and index has altogether, so how many parents and how many subsidiaries there "
    "are; nothing of what is in them, nor whose they are",
)
async def test_sizes_in_the_planners_estimates(world: World) -> None:
    """To read sizes off EXPLAIN's costs and estimates."""
    query = "SELECT FROM tenancy.tenants WHERE parent_tenant_id IS NULL"
    before = await _cost(world, query)
    await world.as_admin.execute(ADD_HIDDEN.replace("' || n", " more ' || n"), ORGANIZATIONS)
    await world.as_admin.execute("ANALYZE")

    assert await _cost(world, query) > before


async def _plan(as_api: asyncpg.Connection, table: str, column: str, value: str) -> str:
    """Return all that EXPLAIN shows of a range, but for the value asked for."""
    rows = await attempt(as_api, None, f"EXPLAIN SELECT FROM {table} WHERE {column} > '{value}'")
    return "\n".join(row[0] for row in rows).replace(value, "?")


async def _cost(world: World, query: str) -> float:
    async with presenting(world.as_api, None):
        for way in ("indexscan", "indexonlyscan", "bitmapscan"):
            await world.as_api.execute(f"SET LOCAL enable_{way} = off")
        plan = await world.as_api.fetchval(f"EXPLAIN {query}")
    return float(plan.partition("..")[2].partition(" ")[0])
