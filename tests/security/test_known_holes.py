"""Known holes of PostgreSQL 17 that concern row level security: each is shown open, or not to apply.

From the release notes (PostgreSQL manual, appendix E) of 17.1, 17.6, 17.7 and 17.10. Not shown, because the exploit is
memory corruption by any SQL at all: CVE-2026-2006 (fixed in 17.8), CVE-2026-6473 (17.10), CVE-2026-16239 (17.11).
Against those only the newest server helps.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import URL

from tests.support.attack import refused, residual, sees_nothing
from tests.support.attempt import attempt
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

GROUP = "known holes of PostgreSQL"
CVE_2025_8713_IS_FIXED = 170006

LEAKY_OPERATOR = """
    CREATE SCHEMA leaky;
    CREATE FUNCTION leaky.show(hidden text, given text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$ BEGIN RAISE NOTICE '%', hidden; RETURN hidden < given; END $$;
    CREATE OPERATOR leaky.<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = leaky.show, RESTRICT = scalarltsel);
    GRANT USAGE ON SCHEMA leaky TO tenancy_api;
    GRANT EXECUTE ON FUNCTION leaky.show TO tenancy_api;
"""
PARTITIONED = """
    CREATE TABLE leaky.secrets (organization integer, secret text) PARTITION BY LIST (organization);
    CREATE TABLE leaky.secrets_1 PARTITION OF leaky.secrets FOR VALUES IN (1);
    INSERT INTO leaky.secrets SELECT 1, 'secret ' || n FROM generate_series(1, 50) AS n;
    ALTER TABLE leaky.secrets ENABLE ROW LEVEL SECURITY;
    CREATE POLICY no_rows ON leaky.secrets FOR SELECT TO tenancy_api
        USING (secret = current_setting('app.secret', true));
    ALTER TABLE leaky.secrets_1 ENABLE ROW LEVEL SECURITY;
    CREATE POLICY no_rows ON leaky.secrets_1 FOR SELECT TO tenancy_api
        USING (secret = current_setting('app.secret', true));
    GRANT SELECT ON leaky.secrets, leaky.secrets_1 TO tenancy_api;
    ANALYZE leaky.secrets;
"""
BELOW_THE_TOP = {
    "a subquery": "SELECT tenant_id FROM (SELECT * FROM tenancy.tenants OFFSET 0) AS t",
    "a WITH": "WITH t AS MATERIALIZED (SELECT * FROM tenancy.tenants) SELECT tenant_id FROM t",
    "an IN": "SELECT id AS tenant_id FROM unnest($1::uuid[]) AS id WHERE id IN (SELECT tenant_id FROM tenancy.tenants)",
    "an EXISTS": "SELECT id AS tenant_id FROM unnest($1::uuid[]) AS id"
    " WHERE EXISTS (SELECT FROM tenancy.tenants AS t WHERE t.tenant_id = id)",
    "a scalar subquery": "SELECT unnest((SELECT array_agg(tenant_id) FROM tenancy.tenants)) AS tenant_id",
    "a function that is inlined": "SELECT tenant_id FROM leaky.all_tenants()",
}


@pytest.fixture(scope="module")
async def leaky(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Make a database in which an administrator has made what our attackers cannot."""
    async with fresh_database(server_url) as database:
        admin = await database.connect_as_admin()
        await admin.execute(LEAKY_OPERATOR)
        await admin.execute(PARTITIONED)
        await admin.execute(
            "CREATE FUNCTION leaky.all_tenants() RETURNS SETOF tenancy.tenants LANGUAGE sql STABLE"
            " AS 'SELECT * FROM tenancy.tenants'"
        )
        await admin.execute("GRANT USAGE ON SCHEMA leaky TO tenancy_platform")
        await admin.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA leaky TO tenancy_api, tenancy_platform")
        await admin.close()
        yield database


async def notices_while_planning(database: TestDatabase, token: str | None, table: str, column: str) -> list[str]:
    """Plan a query with the leaky operator and return what it was shown."""
    attacker = await database.connect_as_api()
    shown: list[str] = []
    attacker.add_log_listener(lambda _, message: shown.append(message.message))
    await attempt(attacker, token, f"EXPLAIN SELECT FROM {table} WHERE {column} OPERATOR(leaky.<<<) 'secret 3'")
    await attacker.close()
    return shown


@sees_nothing(GROUP)
async def test_cve_2025_8713_on_our_tables(leaky: TestDatabase) -> None:
    """To be shown, by a leaky operator, the planner's sample of hidden names; ours has no partitions and no sample."""
    operator, admin = await leaky.connect_as_operator(), await leaky.connect_as_admin()
    bank, *_ = [await Registry(operator).create_organization("Bank", subsidiaries=5) for _ in range(5)]
    await admin.execute("ANALYZE")
    for token in (None, bank.parent.token):
        assert await notices_while_planning(leaky, token, "tenancy.tenants", "name") == []
        assert await notices_while_planning(leaky, token, "tenancy.tenant_events", "database_role") == []
    children = "SELECT count(*) FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE relnamespace::regnamespace::text"
    assert await admin.fetchval(f"{children} LIKE 'tenancy%'") == 0
    views = "SELECT count(*) FROM pg_class WHERE relkind IN ('v', 'm', 'p') AND relnamespace::regnamespace::text"
    assert await admin.fetchval(f"{views} LIKE 'tenancy%'") == 0
    await operator.close()
    await admin.close()


@residual(GROUP, "before 17.6 no policy covers the samples of partitions: have no partitions there")
async def test_cve_2025_8713_on_a_partitioned_table(leaky: TestDatabase) -> None:
    """To be shown the sample of a partition, whose rows policies on it and on its parent hide."""
    admin = await leaky.connect_as_admin()
    is_fixed = await admin.fetchval("SELECT current_setting('server_version_num')::integer") >= CVE_2025_8713_IS_FIXED
    await admin.close()
    shown = await notices_while_planning(leaky, None, "leaky.secrets", "secret")
    assert bool(shown) is not is_fixed
    assert all(text.startswith("secret ") for text in shown)


@sees_nothing(GROUP)
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("what", BELOW_THE_TOP)
async def test_cve_2024_10976_and_2023_2455(leaky: TestDatabase, what: str, mode: str) -> None:
    """To have a plan kept with the policies of one role, below its top level, run under the other (fixed in 17.1)."""
    operator = await leaky.connect_as_operator()
    registry = Registry(operator)
    mine, theirs = [await registry.create_organization(name) for name in ("Mine", "Theirs")]
    platform = await registry.issue_operator_token()
    await operator.close()
    ids = {party.tenant_id for party in (*mine.parties, *theirs.parties)}
    own = {party.tenant_id for party in mine.parties}
    arguments = [list(ids)] if "$1" in BELOW_THE_TOP[what] else []

    connection = await leaky.connect_as_api()
    await connection.execute(f"SET plan_cache_mode = {mode}")
    kept = await connection.prepare(BELOW_THE_TOP[what])
    cases: list[tuple[str, str, set[object]]] = [
        ("tenancy_api", mine.parent.token, {*own}),
        ("tenancy_platform", platform, {*ids}),
        ("tenancy_platform", mine.parent.token, set()),
        ("tenancy_api", platform, set()),
        ("tenancy_api", mine.subsidiaries[0].token, {mine.subsidiaries[0].tenant_id}),
    ]
    for role, token, visible in cases * 2:
        async with connection.transaction():
            await connection.execute("SELECT set_config('app.current_tenant', $1, true)", token)
            await connection.execute(f"SET LOCAL ROLE {role}")
            assert {row["tenant_id"] for row in await kept.fetch(*arguments)} & ids == visible
    await connection.close()


@sees_nothing(GROUP)
async def test_cve_2024_10978(as_api: asyncpg.Connection, hsbc: Organization) -> None:
    """To be left in another role by rolling SET SESSION AUTHORIZATION back (fixed in 17.1)."""
    await as_api.execute("SET ROLE tenancy_platform")
    await as_api.execute("BEGIN; SET LOCAL SESSION AUTHORIZATION tenancy_api; ROLLBACK")
    assert await as_api.fetchval("SELECT current_user") == "tenancy_platform"
    assert await attempt(as_api, hsbc.parent.token, "SELECT FROM tenancy.tenants") == []


@refused(GROUP)
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE STATISTICS public.mine ON name, version FROM tenancy.tenants",
        "CREATE TYPE public.mine AS RANGE (SUBTYPE = uuid, MULTIRANGE_TYPE_NAME = tenancy.tenant_type_)",
        "CREATE TYPE pg_temp.mine AS RANGE (SUBTYPE = uuid, MULTIRANGE_TYPE_NAME = tenancy.tenant_type_)",
    ],
    ids=["CVE-2025-12817", "CVE-2026-6472 in a schema", "CVE-2026-6472 in a temporary schema"],
)
async def test_creating_where_the_right_was_not_checked(as_api: asyncpg.Connection, statement: str) -> None:
    """To create in our schema what CREATE STATISTICS (fixed in 17.7) and CREATE TYPE (fixed in 17.10) did not check."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_api.execute(statement)
