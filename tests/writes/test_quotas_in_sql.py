"""Quotas hold for every statement that adds subsidiaries, as one caller runs it."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.support.attempt import attempt, error_of
from tests.support.context import affected, presenting
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry

QUOTA_REACHED = "MT003"
COLUMNS = "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name)"
STATEMENTS = {
    "rows": COLUMNS + " VALUES ('subsidiary', '{parent}', 'a'), ('subsidiary', '{parent}', 'b')",
    "a query": COLUMNS + " SELECT 'subsidiary', '{parent}', 'Branch ' || n FROM generate_series(1, 2) AS n",
    "MERGE": "MERGE INTO tenancy.tenants AS t USING generate_series(1, 2) AS s (n) ON t.name = 'Branch ' || s.n"
    " WHEN NOT MATCHED THEN INSERT (tenant_type, parent_tenant_id, name)"
    " VALUES ('subsidiary', '{parent}', 'Branch ' || s.n)",
    "ON CONFLICT DO NOTHING": COLUMNS + " VALUES ('subsidiary', '{parent}', 'a'), ('subsidiary', '{parent}', 'b')"
    " ON CONFLICT DO NOTHING",
    "ON CONFLICT DO UPDATE": COLUMNS + " VALUES ('subsidiary', '{parent}', 'a'), ('subsidiary', '{parent}', 'b')"
    " ON CONFLICT (organization_id, tenant_id) DO UPDATE SET name = EXCLUDED.name",
    "two WITHs": f"WITH one AS ({COLUMNS} VALUES ('subsidiary', '{{parent}}', 'a') RETURNING 1),"
    f" two AS ({COLUMNS} VALUES ('subsidiary', '{{parent}}', 'b') RETURNING 1) SELECT * FROM one, two",
    "a WITH beside a statement": f"WITH one AS ({COLUMNS} VALUES ('subsidiary', '{{parent}}', 'a'))"
    f" {COLUMNS} VALUES ('subsidiary', '{{parent}}', 'b')",
}
ONE = COLUMNS + " VALUES ('subsidiary', '{parent}', '{name}')"


@pytest.fixture
async def default_of_three(registry: Registry) -> AsyncIterator[None]:
    """Have a default of three subsidiaries during a test."""
    await registry.set_quota(None, 3)
    yield
    assert await registry.remove_quota(None)


def one(parent: UUID) -> str:
    """Return a statement that adds a subsidiary of a fresh name."""
    return ONE.format(parent=parent, name=f"Branch {uuid4().hex[:8]}")


async def count(as_admin: asyncpg.Connection, organization: Organization) -> int:
    """Return how many subsidiaries are there."""
    statement = "SELECT count(*) FROM tenancy.tenants WHERE parent_tenant_id = $1"
    number: int = await as_admin.fetchval(statement, organization.parent.tenant_id)
    return number


@pytest.mark.parametrize("how", STATEMENTS)
async def test_a_statement_adds_up_to_the_quota(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization, how: str
) -> None:
    """A statement that adds two is refused as a whole with room for one, and succeeds with room for both."""
    parent = hsbc.parent.tenant_id
    statement = STATEMENTS[how].format(parent=parent)
    await registry.set_quota(parent, 3)
    error = await error_of(attempt(as_api, hsbc.parent.token, statement))
    assert (error.sqlstate, error.detail) == (QUOTA_REACHED, "3")
    assert vars(error)["message"] == "the organisation may have at most 3 subsidiaries"
    assert await count(as_admin, hsbc) == 2
    await registry.set_quota(parent, 4)
    await attempt(as_api, hsbc.parent.token, statement)
    assert await count(as_admin, hsbc) == 4


async def test_what_adds_nothing_is_not_limited(
    as_api: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """Rows that conflict, matches of a MERGE, changes and deletions pass an organisation above its quota."""
    parent = hsbc.parent.tenant_id
    await registry.set_quota(parent, 0)
    taken = ONE.format(parent=parent, name=hsbc.subsidiaries[0].name)
    async with presenting(as_api, hsbc.parent.token):
        assert affected(await as_api.execute(f"{taken} ON CONFLICT DO NOTHING")) == 0
        assert affected(await as_api.execute("UPDATE tenancy.tenants SET metadata = '{}'")) == 3
        assert affected(await as_api.execute(f"{COLUMNS} SELECT 'subsidiary', NULL, 'a' WHERE false")) == 0
        assert affected(await as_api.execute("DELETE FROM tenancy.tenants WHERE parent_tenant_id IS NOT NULL")) == 2


async def test_a_lower_quota_keeps_what_is_there(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """Below the present number nothing is deleted, and creations are refused until enough is."""
    parent = hsbc.parent.tenant_id
    await registry.set_quota(parent, 1)
    assert (await error_of(attempt(as_api, hsbc.parent.token, one(parent)))).sqlstate == QUOTA_REACHED
    assert await count(as_admin, hsbc) == 2
    for remaining in (1, 0):
        error = await error_of(attempt(as_api, hsbc.parent.token, one(parent)))
        assert error.sqlstate == QUOTA_REACHED
        victim = hsbc.subsidiaries[remaining].tenant_id
        await attempt(as_api, hsbc.parent.token, f"DELETE FROM tenancy.tenants WHERE tenant_id = '{victim}'")
    await attempt(as_api, hsbc.parent.token, one(parent))
    assert (await error_of(attempt(as_api, hsbc.parent.token, one(parent)))).sqlstate == QUOTA_REACHED


async def test_savepoints(as_api: asyncpg.Connection, registry: Registry, hsbc: Organization) -> None:
    """What a savepoint rolled back does not count; what it released does."""
    parent = hsbc.parent.tenant_id
    await registry.set_quota(parent, 3)
    async with presenting(as_api, hsbc.parent.token):
        await as_api.execute(f"SAVEPOINT a; {one(parent)}; ROLLBACK TO a")
        await as_api.execute(f"SAVEPOINT b; {one(parent)}; RELEASE b")
        assert (await error_of(_in_savepoint(as_api, one(parent)))).sqlstate == QUOTA_REACHED
        await as_api.execute(
            f"DELETE FROM tenancy.tenants WHERE tenant_id = '{hsbc.subsidiaries[0].tenant_id}'; {one(parent)}"
        )


async def _in_savepoint(connection: asyncpg.Connection, statement: str) -> None:
    async with connection.transaction():
        await connection.execute(statement)


@pytest.mark.usefixtures("default_of_three")
async def test_the_default_applies_to_all_without_a_quota(
    as_api: asyncpg.Connection, registry: Registry, hsbc: Organization, barclays: Organization
) -> None:
    """Each organisation without a quota of its own has the default; its own counts more, higher or lower."""
    await registry.set_quota(barclays.parent.tenant_id, 4)
    for bank, more in ((hsbc, 1), (barclays, 2)):
        for _ in range(more):
            await attempt(as_api, bank.parent.token, one(bank.parent.tenant_id))
        error = await error_of(attempt(as_api, bank.parent.token, one(bank.parent.tenant_id)))
        assert (error.sqlstate, error.detail) == (QUOTA_REACHED, str(2 + more))
    await registry.remove_quota(barclays.parent.tenant_id)
    error = await error_of(attempt(as_api, barclays.parent.token, one(barclays.parent.tenant_id)))
    assert error.detail == "3"


async def test_an_operators_statement_is_limited_too(
    as_api: asyncpg.Connection,
    registry: Registry,
    hsbc: Organization,
    barclays: Organization,
    platform_operator: Party,
) -> None:
    """One statement for several organisations fails for the one whose quota it exceeds, and adds to none."""
    await registry.set_quota(hsbc.parent.tenant_id, 3)
    await registry.set_quota(barclays.parent.tenant_id, 2)
    both = f"{one(hsbc.parent.tenant_id)}, ('subsidiary', '{barclays.parent.tenant_id}', 'a'), ('parent', NULL, 'New')"
    error = await error_of(attempt(as_api, platform_operator.token, both, as_platform=True))
    assert (error.sqlstate, error.detail) == (QUOTA_REACHED, "2")
    await registry.set_quota(barclays.parent.tenant_id, 3)
    await attempt(as_api, platform_operator.token, both, as_platform=True)
    for bank in (hsbc, barclays):
        assert len(await attempt(as_api, bank.parent.token, "SELECT FROM tenancy.tenants")) == 1 + 3


async def test_who_bypasses_the_policies_is_not_limited(
    as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """An administrator's import, by INSERT or COPY, adds what it has to; as a role with policies it is limited."""
    parent = hsbc.parent.tenant_id
    await registry.set_quota(parent, 2)
    await as_admin.execute(one(parent))
    await as_admin.copy_records_to_table(
        "tenants",
        schema_name="tenancy",
        columns=["tenant_type", "parent_tenant_id", "name"],
        records=[("subsidiary", parent, "Copied")],
    )
    assert await count(as_admin, hsbc) == 4
    limited = attempt(as_admin, hsbc.parent.token, "SET LOCAL ROLE tenancy_api", one(parent))
    assert (await error_of(limited)).sqlstate == QUOTA_REACHED


async def test_a_quota_belongs_to_an_existing_organisation(
    as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """Absent ids, subsidiaries and negative numbers are refused; the quota of a deleted organisation goes with it."""
    for other in (uuid4(), hsbc.subsidiaries[0].tenant_id):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await registry.set_quota(other, 1)
    with pytest.raises(asyncpg.CheckViolationError):
        await registry.set_quota(hsbc.parent.tenant_id, -1)
    await registry.set_quota(hsbc.parent.tenant_id, 2147483647)
    await as_admin.execute("DELETE FROM tenancy.tenants WHERE organization_id = $1", hsbc.parent.tenant_id)
    assert not await registry.remove_quota(hsbc.parent.tenant_id)
