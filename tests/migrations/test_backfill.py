"""The guide's recipe for a table that exists: every row gets its organisation, and the isolation holds throughout."""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import URL

from tests.support.accounts import CollectedOperations, execute_as_owner
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import mtdb, settings_for
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.sources import ROOT
from tests.support.test_database import TestDatabase

GUIDE = (ROOT / "docs" / "how-to" / "add-a-table.md").read_text(encoding="utf-8")
CREATE_INVOICES = """
    CREATE TABLE tenancy.invoices (
        invoice_id uuid CONSTRAINT invoices_pkey PRIMARY KEY DEFAULT tenancy.uuid_v7(),
        tenant_id uuid NOT NULL,
        amount bigint NOT NULL
    )
"""
IS_FORCED = "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'tenancy.tenants'::regclass"
Banks = tuple[Organization, Organization]


def recipe() -> list[str]:
    """Return the statements that the guide's migration executes."""
    (code,) = re.findall(r"^```python\n(def upgrade.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    op = CollectedOperations()
    names = {"op": op}
    exec(code, names)  # noqa: S102 - the guide's own code
    names["upgrade"]()  # type: ignore[operator]  # the code defines it
    return op.statements


@pytest.fixture
async def own(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give a database of the test's own."""
    async with fresh_database(server_url) as database:
        yield database


@pytest.fixture
async def admin(own: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Connect to it as the administrator."""
    connection = await own.connect_as_admin()
    yield connection
    await connection.close()


@pytest.fixture
async def banks(own: TestDatabase, admin: asyncpg.Connection) -> Banks:
    """Make two organisations with an invoice for each tenant, in a table which the service may read altogether."""
    connection = await own.connect_as_operator()
    registry = Registry(connection)
    banks = await registry.create_organization("Mine"), await registry.create_organization("Theirs")
    await connection.close()
    await execute_as_owner(admin, CREATE_INVOICES, "GRANT SELECT, INSERT, UPDATE ON tenancy.invoices TO tenancy_api")
    await admin.execute("INSERT INTO tenancy.invoices (tenant_id, amount) SELECT tenant_id, 7 FROM tenancy.tenants")
    return banks


async def test_every_row_gets_its_organisation(own: TestDatabase, admin: asyncpg.Connection, banks: Banks) -> None:
    """The owner fills the column, the table is isolated at once, and no earlier grant is left."""
    await execute_as_owner(admin, *recipe())

    wrong = "FROM tenancy.invoices JOIN tenancy.tenants AS t USING (tenant_id) WHERE invoices.organization_id"
    assert await admin.fetchval("SELECT count(*) FROM tenancy.invoices") == 6
    assert await admin.fetchval(f"SELECT count(*) {wrong} <> t.organization_id") == 0
    assert await admin.fetchval(IS_FORCED)
    assert (await mtdb("check", env=settings_for(own))).stderr == ""
    service = await own.connect_as_api()
    try:
        assert await service.fetch("SELECT FROM tenancy.invoices") == []
        async with service.transaction():
            await service.execute("SELECT tenancy.sign_in($1)", banks[0].parent.token)
            seen = {row[0] for row in await service.fetch("SELECT tenant_id FROM tenancy.invoices")}
            assert seen == {party.tenant_id for party in banks[0].parties}
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.execute("UPDATE tenancy.invoices SET tenant_id = tenant_id")
    finally:
        await service.close()


async def test_a_row_of_no_tenant_undoes_everything(admin: asyncpg.Connection, banks: Banks) -> None:
    """A failure in the middle leaves the tenants as they were, FORCE included, and the column does not exist."""
    assert banks
    await admin.execute("INSERT INTO tenancy.invoices (tenant_id, amount) VALUES (gen_random_uuid(), 1)")
    with pytest.raises(asyncpg.NotNullViolationError):
        await execute_as_owner(admin, *recipe())
    assert await admin.fetchval(IS_FORCED)
    with pytest.raises(asyncpg.UndefinedColumnError):
        await admin.fetch("SELECT organization_id FROM tenancy.invoices")


async def test_without_it_the_owner_sees_no_tenant(admin: asyncpg.Connection, banks: Banks) -> None:
    """Without the recipe, FORCE hides the tenants from the owner, and the column stays empty."""
    assert banks
    without = [statement for statement in recipe() if "FORCE ROW LEVEL SECURITY" not in statement]
    assert len(without) == len(recipe()) - 2
    with pytest.raises(asyncpg.NotNullViolationError):
        await execute_as_owner(admin, *without)


async def test_the_service_waits_and_sees_nothing_in_between(
    own: TestDatabase, admin: asyncpg.Connection, banks: Banks
) -> None:
    """While FORCE is lifted, the service's role reads no tenant: the statement waits for the lock."""
    assert banks
    service = await own.connect_as_api()
    transaction = admin.transaction()
    await transaction.start()
    try:
        await admin.execute("SET LOCAL ROLE tenancy_owner")
        for statement in recipe()[:4]:
            await admin.execute(statement)
        await service.execute("SET lock_timeout = '200ms'")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await service.fetch("SELECT FROM tenancy.tenants")
    finally:
        await transaction.rollback()
        await service.close()
