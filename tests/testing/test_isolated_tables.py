"""The assertion passes for protected tables, and leaves nothing behind."""

from multi_tenant_db.testing.isolation import assert_table_isolated
from multi_tenant_db.testing.migrated_database import MigratedDatabase
from multi_tenant_db.testing.party import Party
from multi_tenant_db.testing.preparation import make_organizations, remove_organizations


def account(tenant: Party) -> dict[str, object]:
    """Make the content of an account."""
    return {"name": f"Account of {tenant.name}", "balance": 7}


async def test_a_protected_table_is_isolated(bank: MigratedDatabase) -> None:
    """The example's table passes, and its rows and tenants are gone afterwards."""
    organizations = await make_organizations(bank)
    await assert_table_isolated(bank, organizations, "tenancy.accounts", account)

    admin = await bank.connect_as_admin()
    assert await admin.fetchval("SELECT count(*) FROM tenancy.accounts") == 0
    await remove_organizations(bank, organizations)
    assert await admin.fetchval("SELECT count(*) FROM tenancy.tenants") == 0
    await admin.close()
