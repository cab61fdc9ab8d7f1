"""The catalogue lint finds each weakening of the isolation that the catalogue shows, with object and remedy.

An administrator makes the breach in a transaction, tenancy_api looks at it in the same one, and it is rolled back.
"""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from multi_tenant_db.lint import catalogue_lint, expected
from multi_tenant_db.lint.catalogue_lint import find_all
from multi_tenant_db.lint.finding import Finding
from multi_tenant_db.lint.rules import FIRST_RULE, RULES
from tests.support.accounts import CREATE_ACCOUNTS, create_accounts
from tests.support.breaches import BREACHES
from tests.support.engines import pool
from tests.support.extent import EXHAUSTIVE
from tests.support.test_database import TestDatabase

HARDENING = Path("scripts/harden_self_managed.sql").read_text(encoding="utf-8")
TESTED_BELOW = {
    "roles-missing",
    "quotas-not-kept",
    "rows-unrecorded",
    "schema-newer",
    "statistics-unseen",
    "table-unfinished",  # tests/protecting/test_enforced.py
    "partial-index-counts",
    "server-too-old",
    "server-shows-statistics",
    "server-lacks-fixes",
    "server-untested",
    "server-untested-allowed",
}
WAIT = "CREATE OR REPLACE TRIGGER tenants_wait_for_creations BEFORE INSERT ON tenancy.tenants FOR EACH ROW"
IMPLIED = {
    "connected-as-superuser": {"connected-as-owner", "connected-as-operator", "role-attribute"},
    "connected-with-bypassrls": {"role-attribute"},
    "connected-with-createrole": {"role-attribute"},
    "connected-with-a-detour": {"connected-as-owner", "connected-as-operator", "role-membership"},
    "connected-as-owner": {"role-membership"},
    "connected-as-operator": {"role-membership"},
    "owner-unexpected": {"grant-unexpected"},
    "role-attribute": {"connected-with-a-detour", "connected-as-owner", "connected-as-operator"},
}
"""Breaches that break more than one rule."""


@pytest.fixture
async def administration(database: TestDatabase) -> AsyncIterator[AsyncConnection]:
    """Open a superuser's transaction, which is rolled back."""
    url = database.admin_url.set(drivername="postgresql+asyncpg")
    async with pool(database, url=url) as engine, engine.connect() as connection:
        await connection.execution_options(isolation_level="READ COMMITTED")  # the engine itself begins nothing
        await connection.execute(text("SELECT"))
        yield connection
        await connection.rollback()


async def driver_of(connection: AsyncConnection) -> Any:
    """Return the driver's connection, which runs several statements at once."""
    return (await connection.get_raw_connection()).driver_connection


async def dangers(connection: AsyncConnection) -> list[Finding]:
    """Look as the service's role; a server without fixes is another test's matter."""
    await connection.execute(text("SET LOCAL ROLE tenancy_api"))
    findings = await find_all(connection)
    await connection.execute(text("RESET ROLE"))
    return [finding for finding in findings if not finding.is_warning]


async def test_what_the_migrations_made_breaks_no_rule(administration: AsyncConnection) -> None:
    """A migrated database has no finding but the server's version."""
    assert await dangers(administration) == []


async def test_a_hardened_server_is_linted(administration: AsyncConnection) -> None:
    """The lint has no finding after scripts/harden_self_managed.sql, and still finds a breach."""
    driver = await driver_of(administration)
    await driver.execute(HARDENING)
    assert await dangers(administration) == []

    await driver.execute("ALTER TABLE tenancy.tenants NO FORCE ROW LEVEL SECURITY")
    assert [finding.code for finding in await dangers(administration)] == ["rls-not-forced"]


def one_of_each(breaches: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Return the first breach of each rule, or in an exhaustive run every breach."""
    chosen = list(breaches)
    return chosen if EXHAUSTIVE else list({breach[0]: breach for breach in reversed(chosen)}.values())


@pytest.mark.parametrize(
    ("code", "place", "statements"),
    [pytest.param(*breach, id=f"{breach[0]}: {breach[1]}") for breach in one_of_each(BREACHES)],
)
async def test_a_breach_is_named(
    administration: AsyncConnection, database: TestDatabase, code: str, place: str, statements: str
) -> None:
    """The breach has its finding, and no other that does not follow from it."""
    url = database.admin_url
    await (await driver_of(administration)).execute(statements.format(database=url.database, admin=url.username))
    found = await dangers(administration)

    assert code in {finding.code for finding in found}
    assert {finding.code for finding in found} - {code} <= IMPLIED.get(code, set())
    assert any(place in finding.place for finding in found if finding.code == code)


REPAIRABLE = [
    breach
    for breach in BREACHES
    if breach[0].startswith(
        ("rls", "policy", "verb", "grant", "right", "function", "owner", "view", "role-m", "role-a", "tenants-u")
    )
    and breach[0] != "grant-table-wide"
]


@pytest.mark.parametrize(
    ("code", "place", "statements"),
    [pytest.param(*breach, id=f"{breach[0]}: {breach[1]}") for breach in one_of_each(REPAIRABLE)],
)
async def test_a_remedy_that_is_sql_mends_it(
    administration: AsyncConnection, database: TestDatabase, code: str, place: str, statements: str
) -> None:
    """After the SQL of the remedies there is no finding."""
    url, driver = database.admin_url, await driver_of(administration)
    await driver.execute(statements.format(database=url.database, admin=url.username))
    while found := [finding for finding in await dangers(administration) if "connect" not in finding.code]:
        for finding in found:
            await driver.execute(finding.remedy.rpartition("or run: ")[2])
            assert finding not in await dangers(administration), f"{code}: {place}"


async def test_every_rule_is_broken_by_a_test() -> None:
    """Every rule has a breach that breaks it, and every code belongs to one rule."""
    codes = [rule.code for rule in (FIRST_RULE, *RULES)]

    assert len({*codes}) == len(codes)
    assert {*codes} == {code for code, _, _ in BREACHES} | TESTED_BELOW


async def test_the_remedy_protects_an_unprotected_table(administration: AsyncConnection) -> None:
    """A new table without policies has findings with the helper as remedy; after the helper it has none."""
    driver = await driver_of(administration)
    await driver.execute(f"SET LOCAL ROLE tenancy_owner; {CREATE_ACCOUNTS}; RESET ROLE")
    forgotten = await dangers(administration)

    forgotten_parts = {"rls-not-enabled", "rls-not-forced", "grant-to-public", "statistics-allowed"}
    assert {finding.code for finding in forgotten} == forgotten_parts
    assert "CALL tenancy.protect_tenant_table('tenancy.accounts', ...)" in forgotten[0].remedy
    assert "ALTER TABLE tenancy.accounts ENABLE ROW LEVEL SECURITY" in forgotten[0].remedy

    await driver.execute("DROP TABLE tenancy.accounts")
    await create_accounts(driver)
    assert await dangers(administration) == []


async def test_a_table_without_events_is_a_warning(administration: AsyncConnection) -> None:
    """A table without events is a warning, only where callers may change rows, and its remedy removes it."""
    driver = await driver_of(administration)
    await create_accounts(driver)
    assert "rows-unrecorded" not in {finding.code for finding in await find_all(administration)}
    await driver.execute("DROP TRIGGER accounts_record_event ON tenancy.accounts")
    [finding] = [finding for finding in await find_all(administration) if finding.code == "rows-unrecorded"]
    assert (finding.place, finding.is_warning) == ("tenancy.accounts", True)

    await driver.execute(finding.remedy)
    assert "rows-unrecorded" not in {finding.code for finding in await find_all(administration)}


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE tenancy.tenants DISABLE TRIGGER tenants_keep_quotas",
        "DROP TRIGGER tenants_wait_for_creations ON tenancy.tenants",
        "ALTER TRIGGER tenants_keep_quotas ON tenancy.tenants RENAME TO kept",
        f"{WAIT} WHEN (NEW.name = '') EXECUTE FUNCTION tenancy_private.wait_for_creations()",
    ],
)
async def test_quotas_that_are_not_kept_are_a_warning(administration: AsyncConnection, statement: str) -> None:
    """A trigger that is disabled, missing or altered is named, and its remedy makes it as the migration did."""
    driver = await driver_of(administration)
    assert "quotas-not-kept" not in {finding.code for finding in await find_all(administration)}
    await driver.execute(statement)
    [finding] = [finding for finding in await find_all(administration) if finding.code == "quotas-not-kept"]
    assert finding.is_warning
    assert finding.place.split()[0] in statement
    await driver.execute(finding.remedy)
    assert "quotas-not-kept" not in {finding.code for finding in await find_all(administration)}


async def test_the_procedure_makes_the_policies_that_the_lint_knows(administration: AsyncConnection) -> None:
    """The condition of the schema's procedure is, word for word, the one of the lint."""
    driver = await driver_of(administration)
    await create_accounts(driver)
    found = await driver.fetch("SELECT * FROM pg_policies WHERE tablename = 'accounts'")

    reach = {"tenancy_api": expected.REACH, "tenancy_platform": expected.OPERATORS_REACH}
    writable = {"tenancy_api": expected.WRITABLE_REACH, "tenancy_platform": expected.OPERATORS_WRITABLE_REACH}
    assert {(row["roles"][0], row["cmd"]) for row in found} == {
        (role, verb) for role in reach for verb in ("SELECT", "INSERT", "UPDATE", "DELETE")
    }
    for row in found:
        to_read, to_write = reach[row["roles"][0]], writable[row["roles"][0]]
        assert row["qual"] == {"SELECT": to_read, "INSERT": None}.get(row["cmd"], to_write)
        assert row["with_check"] == {"INSERT": to_write, "UPDATE": to_read}.get(row["cmd"])


async def test_a_partial_index_is_a_warning(administration: AsyncConnection) -> None:
    """A warning names a partial index beyond our own two: the planner shows how many rows meet its condition."""
    assert "partial-index-counts" not in {finding.code for finding in await find_all(administration)}
    await (await driver_of(administration)).execute(
        "CREATE INDEX swiss ON tenancy.tenants (organization_id, tenant_id) WHERE metadata ->> 'country' = 'CH'"
    )
    [finding] = [finding for finding in await find_all(administration) if finding.code == "partial-index-counts"]
    assert finding.is_warning
    assert finding.place == "tenancy.swiss WHERE ((metadata ->> 'country'::text) = 'CH'::text)"


async def test_unreadable_statistics_are_a_warning(administration: AsyncConnection) -> None:
    """On a managed server, where the role may not read the statistics' definitions, a warning says what to check."""
    await (await driver_of(administration)).execute("REVOKE SELECT (starelid) ON pg_statistic FROM tenancy_api")
    await administration.execute(text("SET LOCAL ROLE tenancy_api"))
    [finding] = [finding for finding in await find_all(administration) if finding.code == "statistics-unseen"]
    assert finding.is_warning


async def test_an_administrator_may_choose_the_limits(administration: AsyncConnection, database: TestDatabase) -> None:
    """Another duration, for one database or for all, and settings without effect on isolation are accepted."""
    name = database.admin_url.database
    await (await driver_of(administration)).execute(f"""
        ALTER ROLE tenancy_api SET statement_timeout = '10s';
        ALTER ROLE tenancy_api IN DATABASE "{name}" SET lock_timeout = '4s';
        ALTER ROLE tenancy_api SET work_mem = '8MB'
    """)
    assert await dangers(administration) == []


@pytest.mark.parametrize(
    ("table", "is_found"),
    [
        ("elsewhere.t (tenant_id uuid PRIMARY KEY)", True),
        ("elsewhere.t (organization_id uuid PRIMARY KEY)", True),
        ("elsewhere.t (parent_tenant_id uuid)", True),
        ("elsewhere.t (a uuid, b uuid, FOREIGN KEY (a, b) REFERENCES tenancy.tenants)", True),
        ("public.t (anything integer)", True),
        ("tenancy_private.t (anything integer)", True),
        ("elsewhere.t (tenant_id integer)", False),
        ("elsewhere.t (anything uuid)", False),
    ],
)
async def test_a_table_with_tenants_data_is_recognised(
    administration: AsyncConnection, table: str, is_found: bool
) -> None:
    """By its key, by a reference to the tenants, or by lying where the service's roles may look; in any schema."""
    await (await driver_of(administration)).execute(f"CREATE SCHEMA elsewhere; CREATE TABLE {table}")
    codes = {finding.code for finding in await dangers(administration)}

    assert ({"rls-not-enabled", "rls-not-forced", "statistics-allowed"} <= codes) is is_found
    assert is_found or codes == set()


@pytest.mark.parametrize(
    ("constant", "value", "code", "is_warning"),
    [
        ("OLDEST_SERVER", 990000, "server-too-old", False),
        ("LAST_RLS_FIX", 990000, "server-shows-statistics", True),
        ("LAST_FIXES", (179999, 189999), "server-lacks-fixes", True),
        ("TESTED_MAJORS", (16,), "server-untested", False),
    ],
)
async def test_the_bounds_on_the_server_are_heeded(  # noqa: PLR0913, PLR0917 - one bound and what it leads to
    administration: AsyncConnection,
    monkeypatch: pytest.MonkeyPatch,
    constant: str,
    value: int | tuple[int, ...],
    code: str,
    is_warning: bool,
) -> None:
    """A server below the oldest supported release or of an untested major is a danger, one without fixes a warning."""
    monkeypatch.setattr(catalogue_lint, constant, value)
    [finding] = [finding for finding in await find_all(administration) if finding.code == code]

    assert finding.is_warning is is_warning
