"""The service refuses a database or a role that would not isolate tenants, and names the remedy."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import URL, make_url

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.errors import DatabaseUnavailable
from multi_tenant_db.lint.finding import Finding
from multi_tenant_db.lint.safety_check import check_database, require_safe_database
from multi_tenant_db.lint.safety_report import SafetyReport
from multi_tenant_db.lint.unsafe_database_error import UnsafeDatabaseError
from multi_tenant_db.schema.schema_revision import REQUIRED_SCHEMA_REVISION
from tests.migrations.test_migrations import down, up
from tests.support.engines import pool
from tests.support.fresh_database import fresh_database
from tests.support.test_database import OPERATOR_PASSWORD, TestDatabase

PASSWORD = "password of a test's own role"


@pytest.fixture
async def own(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give a migrated database of the test's own."""
    async with fresh_database(server_url) as database:
        yield database


@pytest.fixture
async def intruder(own: TestDatabase) -> AsyncIterator[URL]:
    """Make a login role that may do nothing yet, and name the database as it; the role is dropped afterwards."""
    name = f"intruder_{uuid4().hex[:8]}"
    await execute(own, f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD.replace("'", "''")}'")
    await execute(own, f'GRANT CONNECT ON DATABASE "{own.admin_url.database}" TO {name}')
    await execute(own, f"GRANT USAGE ON SCHEMA public TO {name}; GRANT SELECT ON public.alembic_version TO {name}")
    yield own.admin_url.set(drivername="postgresql+asyncpg", username=name, password=PASSWORD)
    await execute(own, f"REASSIGN OWNED BY {name} TO tenancy_owner; DROP OWNED BY {name}; DROP ROLE {name}")


async def execute(database: TestDatabase, statement: str) -> None:
    """Run statements as the superuser."""
    connection = await database.connect_as_admin()
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def check(database: TestDatabase, url: URL | None = None) -> SafetyReport:
    """Check the database as the service, or as another role."""
    async with pool(database, url=url) as engine:
        return await check_database(engine)


async def only_danger(database: TestDatabase, url: URL | None = None) -> Finding:
    """Return the one danger that there must be, after seeing that the service would not start."""
    async with pool(database, url=url) as engine:
        with pytest.raises(UnsafeDatabaseError) as refusal:
            await require_safe_database(engine)
    assert len(refusal.value.dangers) == 1
    assert str(refusal.value) == str(refusal.value.dangers[0])
    return refusal.value.dangers[0]


async def test_a_migrated_database_is_safe(database: TestDatabase, as_admin: asyncpg.Connection) -> None:
    """As tenancy_api on a current schema nothing is dangerous; the server's version is reported."""
    async with pool(database) as engine:
        report = await require_safe_database(engine)

    assert report.dangers == []
    assert report.server_version == await as_admin.fetchval("SELECT current_setting('server_version')")


async def test_a_server_without_the_last_fixes_is_warned_of(
    database: TestDatabase, as_admin: asyncpg.Connection
) -> None:
    """Below 17.6 the warnings name CVE-2025-8713, below 17.11 and 18.5 CVE-2026-16239, each with what fixes it."""
    version = int(await as_admin.fetchval("SELECT current_setting('server_version_num')"))
    expected = [("CVE-2025-8713", "use 17.6 or newer")] if version < 170006 else []
    expected += [("CVE-2026-16239", "use 17.11 or newer")] if version < 170011 else []
    expected += [("CVE-2026-16239", "use 18.5 or newer")] if 180000 <= version < 180005 else []
    warnings = (await check(database)).warnings

    assert [warning.remedy for warning in warnings] == [remedy for _, remedy in expected]
    assert all(cve in warning.meaning for (cve, _), warning in zip(expected, warnings, strict=True))


async def test_a_superuser_is_refused(own: TestDatabase) -> None:
    """No policy applies to a superuser."""
    report = await check(own, own.admin_url.set(drivername="postgresql+asyncpg"))

    assert {danger.code for danger in report.dangers} == {
        "connected-as-superuser",
        "connected-with-bypassrls",
        "connected-with-createrole",
        "connected-as-owner",
        "connected-as-operator",
    }
    assert {danger.remedy for danger in report.dangers} == {"connect as tenancy_api"}


@pytest.mark.parametrize("attribute", ["BYPASSRLS", "CREATEROLE"])
async def test_a_powerful_attribute_is_refused(own: TestDatabase, intruder: URL, attribute: str) -> None:
    """A role that skips policies, or could make itself another, does not serve."""
    await execute(own, f"ALTER ROLE {intruder.username} {attribute}")

    danger = await only_danger(own, intruder)
    assert (danger.code, danger.place) == (
        f"connected-with-{attribute.lower()}",
        f"{intruder.username} has {attribute}",
    )


@pytest.mark.parametrize("inherit", ["TRUE", "FALSE"])
@pytest.mark.parametrize("role", ["owner", "operator"])
async def test_a_membership_is_refused(own: TestDatabase, intruder: URL, role: str, inherit: str) -> None:
    """A role that may become the owner or the operator, by inheritance or by SET ROLE, does not serve."""
    await execute(own, f"GRANT tenancy_{role} TO {intruder.username} WITH INHERIT {inherit}")

    assert (await only_danger(own, intruder)).code == f"connected-as-{role}"


async def test_an_indirect_membership_is_refused(own: TestDatabase, intruder: URL) -> None:
    """A role without powers of its own, but a member of a superuser or of a role with BYPASSRLS, does not serve."""
    middle = f"{intruder.username}_middle"
    await execute(own, f"CREATE ROLE {middle} BYPASSRLS; GRANT {middle} TO {intruder.username} WITH INHERIT FALSE")
    try:
        assert (await only_danger(own, intruder)).place == f"{intruder.username} can switch to {middle}"
    finally:
        await execute(own, f"DROP ROLE {middle}")


async def test_the_operators_role_is_refused(own: TestDatabase) -> None:
    """The command line's own role does not serve either, and what it may not read is no error."""
    url = own.admin_url.set(drivername="postgresql+asyncpg", username="tenancy_operator", password=OPERATOR_PASSWORD)
    report = await check(own, url)

    assert "connected-as-operator" in {danger.code for danger in report.dangers}


async def test_the_tables_owner_is_refused(own: TestDatabase, intruder: URL) -> None:
    """An owner may drop the policies of its table, so it does not serve; the message names the table."""
    await execute(own, f"ALTER TABLE tenancy.tenants OWNER TO {intruder.username}")
    report = await check(own, intruder)

    assert f"{intruder.username} owns tenancy.tenants" in {danger.place for danger in report.dangers}


async def test_a_breach_in_the_catalogue_is_refused(own: TestDatabase) -> None:
    """What the lint of the catalogue finds keeps the service from starting; its own role sees all of it."""
    await execute(own, "ALTER TABLE tenancy.tenants NO FORCE ROW LEVEL SECURITY")
    danger = await only_danger(own)

    assert (danger.code, danger.place) == ("rls-not-forced", "tenancy.tenants")
    assert danger.remedy == "ALTER TABLE tenancy.tenants FORCE ROW LEVEL SECURITY"


async def test_a_new_table_without_policies_is_noticed(own: TestDatabase) -> None:
    """A table in our schemas without row level security keeps the service from starting."""
    await execute(own, 'CREATE TABLE tenancy."Open" ()')

    assert 'tenancy."Open"' in {danger.place for danger in (await check(own)).dangers}


async def test_a_schema_behind_is_refused(own: TestDatabase) -> None:
    """One migration short, the message says which revision is there and which is needed."""
    await down(own, "isolate_tenants")
    report = await check(own)
    [danger] = [danger for danger in report.dangers if danger.code == "schema-revision"]

    assert "revision isolate_tenants" in danger.place
    assert REQUIRED_SCHEMA_REVISION in danger.place


async def test_version_1_0_0_is_told_of_its_statistics(own: TestDatabase) -> None:
    """On the schema of 1.0.0 the check names what is sampled and the remedy; after the migration it is safe."""
    await down(own, "keep_plans")
    await execute(own, "ANALYZE")
    before = await check(own)
    sampled = {danger.place: danger for danger in before.dangers if danger.code == "statistics-allowed"}

    assert {place.partition(" ")[0] for place in sampled} >= {
        "tenancy.tenants",
        "tenancy.tenants_name_unique_in_organization",
        "tenancy.tenant_events",
    }
    assert all("run `mtdb migrate`" in danger.remedy for danger in sampled.values())
    await up(own)
    assert (await check(own)).dangers == []


async def test_a_schema_ahead_is_refused(own: TestDatabase) -> None:
    """A revision that this version does not know is refused as well."""
    await execute(own, "UPDATE public.alembic_version SET version_num = 'from_the_future'")

    assert "revision from_the_future" in (await only_danger(own)).place


async def test_a_missing_schema_is_refused(server_url: URL) -> None:
    """Roles without a schema: the message says to migrate."""
    async with fresh_database(server_url, revision=None) as database:
        danger = await only_danger(database)

    assert "revision None" in danger.place
    assert "mtdb migrate" in danger.remedy


async def test_an_emptied_schema_is_refused(own: TestDatabase) -> None:
    """Rolled back to nothing, only Alembic's own table is left, which the service may not even read."""
    await down(own)

    assert "mtdb migrate" in (await only_danger(own)).remedy


async def test_missing_roles_are_refused() -> None:
    """On a server without the roles, the message says to migrate."""
    with EmbeddedPostgres.temporary() as server:
        url = make_url(server.url())
        danger = await only_danger(TestDatabase(url), url.set(drivername="postgresql+asyncpg"))

    assert (danger.code, danger.remedy) == ("roles-missing", "run `mtdb migrate`")


async def test_a_database_that_cannot_be_reached_is_unavailable(database: TestDatabase) -> None:
    """A database that cannot be reached is reported as unavailable, not as a danger."""
    async with pool(database, api_password="wrong") as engine:
        with pytest.raises(DatabaseUnavailable):
            await require_safe_database(engine)
