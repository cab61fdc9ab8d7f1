"""The assertion passes for protected tables, and leaves nothing behind."""

import pytest
from sqlalchemy import text

from multi_tenant_db.errors import AuthenticationRequired
from multi_tenant_db.testing.fixtures import AsCaller, AssertIsolated
from multi_tenant_db.testing.isolation import assert_table_isolated
from multi_tenant_db.testing.migrated_database import MigratedDatabase
from multi_tenant_db.testing.party import Party
from multi_tenant_db.testing.preparation import make_organizations, remove_organizations
from multi_tenant_db.testing.two_organizations import TwoOrganizations


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


async def test_a_table_without_rights_to_write_is_isolated(
    bank: MigratedDatabase, assert_isolated: AssertIsolated
) -> None:
    """A table that callers only read passes as well, and so does one whose rows they may delete."""
    admin = await bank.connect_as_admin()
    await admin.execute("""
        REVOKE INSERT (organization_id, tenant_id, name), UPDATE (balance) ON tenancy.accounts
        FROM tenancy_api, tenancy_platform
    """)
    await assert_isolated("tenancy.accounts", account)

    await admin.execute("""
        SET ROLE tenancy_owner;
        CALL tenancy.unprotect_tenant_table('tenancy.accounts');
        CALL tenancy.protect_tenant_table('tenancy.accounts', ARRAY['name'], ARRAY['balance'], true)
    """)
    await admin.close()
    await assert_isolated("tenancy.accounts", account)


async def test_a_callers_session_is_one_of_the_service(
    as_caller: AsCaller, two_organizations: TwoOrganizations
) -> None:
    """The session sees the caller's tenants; a dead token opens none."""
    count = text("SELECT count(*) FROM tenancy.tenants")
    for party, expected in ((two_organizations.first.parent, 3), (two_organizations.second.subsidiaries[0], 1)):
        async with as_caller(party.token) as session:
            assert await session.scalar(count) == expected
    for token in (two_organizations.expired_token, two_organizations.revoked_token):
        with pytest.raises(AuthenticationRequired):
            async with as_caller(token):
                pytest.fail("there is a session")
