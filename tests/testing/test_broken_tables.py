"""The assertion fails for a table that is broken, and says who reached what, and the remedy."""

import pytest

from multi_tenant_db.testing.isolation import assert_table_isolated
from multi_tenant_db.testing.migrated_database import MigratedDatabase
from multi_tenant_db.testing.preparation import make_organizations
from tests.support.extent import part
from tests.testing.broken_tables import BROKEN, LEAK
from tests.testing.test_isolated_tables import account


@pytest.mark.parametrize("defect", part(BROKEN, 4))
async def test_a_broken_table_is_noticed(bank: MigratedDatabase, defect: str) -> None:
    """Every defect fails the assertion with its verb, its caller and its remedy."""
    statements, words = BROKEN[defect]
    admin = await bank.connect_as_admin()
    await admin.execute(statements)
    await admin.close()
    organizations = await make_organizations(bank)
    with pytest.raises(AssertionError) as failure:
        await assert_table_isolated(bank, organizations, "tenancy.accounts", account)

    message = str(failure.value)
    assert message.startswith("tenancy.accounts is not isolated:")
    for word in words:
        assert word in message, message


async def test_a_function_may_be_tested_elsewhere(bank: MigratedDatabase) -> None:
    """A function that the test cannot call is accepted when the caller says that another test covers it."""
    admin = await bank.connect_as_admin()
    await admin.execute(LEAK.format(name="names_like(text)"))
    await admin.close()
    organizations = await make_organizations(bank)
    await assert_table_isolated(
        bank, organizations, "tenancy.accounts", account, tested_elsewhere=["reports.names_like(text)"]
    )


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("tenancy.nothing", "there is no table"),
        ("public.alembic_version", "has no columns organization_id and tenant_id"),
    ],
)
async def test_a_table_that_cannot_be_tested_is_refused(bank: MigratedDatabase, table: str, reason: str) -> None:
    """A missing table, or one without a tenant's key, is named."""
    organizations = await make_organizations(bank)
    with pytest.raises(ValueError, match=reason):
        await assert_table_isolated(bank, organizations, table, account)


async def test_rows_that_do_not_fit_are_refused(bank: MigratedDatabase) -> None:
    """A row that the table does not take is the caller's mistake, not a breach."""
    organizations = await make_organizations(bank)
    with pytest.raises(ValueError, match=r"the row factory makes no valid row of tenancy\.accounts: .*overdrawn"):
        await assert_table_isolated(
            bank, organizations, "tenancy.accounts", lambda tenant: account(tenant) | {"balance": -1}
        )
