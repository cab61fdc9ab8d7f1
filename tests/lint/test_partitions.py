"""A partition is a table of its own: the check names each that could be read past the policies of its table."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import URL

from multi_tenant_db.lint.safety_check import check_database
from tests.support.context import presenting
from tests.support.engines import pool
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

CREATE = """
    SET ROLE tenancy_owner;
    CREATE TABLE tenancy.entries (
        organization_id uuid NOT NULL, tenant_id uuid NOT NULL, note text,
        PRIMARY KEY (organization_id, tenant_id)
    ) PARTITION BY HASH (organization_id);
    CREATE TABLE tenancy.entries_0 PARTITION OF tenancy.entries FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE tenancy.entries_1 PARTITION OF tenancy.entries FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CALL tenancy.protect_tenant_table('tenancy.entries', ARRAY['note'], ARRAY['note']);
"""
PROTECT = """
    ALTER TABLE tenancy.entries_{n} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE tenancy.entries_{n} FORCE ROW LEVEL SECURITY;
    REVOKE USAGE ON TYPE tenancy.entries_{n} FROM PUBLIC;
"""


@pytest.fixture
async def partitioned(server_url: URL) -> AsyncIterator[tuple[TestDatabase, asyncpg.Connection]]:
    """Make a table with two partitions, and protect the table only."""
    async with fresh_database(server_url) as database:
        admin = await database.connect_as_admin()
        await admin.execute(CREATE)
        yield database, admin
        await admin.close()


async def dangers(database: TestDatabase) -> set[str]:
    """Return the codes of what is unsafe, each with its place."""
    async with pool(database) as engine:
        return {f"{danger.code}: {danger.place}" for danger in (await check_database(engine)).dangers}


async def test_a_partition_without_protection_is_unsafe(
    partitioned: tuple[TestDatabase, asyncpg.Connection],
) -> None:
    """The procedure protects the table and not its partitions: each has its findings until it is protected."""
    database, admin = partitioned
    found = await dangers(database)
    for n in range(2):
        assert {code for code in found if f"entries_{n}" in code} == {
            f"rls-not-enabled: tenancy.entries_{n}",
            f"rls-not-forced: tenancy.entries_{n}",
            f"grant-to-public: USAGE on type tenancy.entries_{n}",
        }
        await admin.execute(PROTECT.format(n=n))
    assert await dangers(database) == set()


async def test_a_grant_on_a_partition_is_unsafe(
    partitioned: tuple[TestDatabase, asyncpg.Connection],
) -> None:
    """No role of the service needs one: statements name the table, whose policies then apply."""
    database, admin = partitioned
    for n in range(2):
        await admin.execute(PROTECT.format(n=n))
    for role in ("tenancy_api", "tenancy_platform", "PUBLIC"):
        for privilege in ("SELECT", "SELECT (note)", "INSERT", "UPDATE (note)", "DELETE"):
            await admin.execute(f"GRANT {privilege} ON tenancy.entries_1 TO {role}")
            assert any("entries_1" in danger for danger in await dangers(database)), (role, privilege)
            await admin.execute(f"REVOKE {privilege} ON tenancy.entries_1 FROM {role}")
    assert await dangers(database) == set()


async def test_a_partition_is_not_reached_by_its_name(
    partitioned: tuple[TestDatabase, asyncpg.Connection],
) -> None:
    """A caller reads and writes its rows through the table; a statement that names a partition is refused."""
    database, admin = partitioned
    for n in range(2):
        await admin.execute(PROTECT.format(n=n))
    operator, service = await database.connect_as_operator(), await database.connect_as_api()
    hsbc: Organization = await Registry(operator).create_organization("HSBC")
    head = hsbc.parent.tenant_id
    insert = "INSERT INTO tenancy.entries (organization_id, tenant_id, note) VALUES ($1, $1, 'ours')"
    async with presenting(service, hsbc.parent.token):
        await service.execute(insert, head)
        assert await service.fetchval("SELECT note FROM tenancy.entries") == "ours"
    for statement in (
        "SELECT FROM tenancy.entries_{n}",
        "UPDATE tenancy.entries_{n} SET note = 'x'",
        "DELETE FROM tenancy.entries_{n}",
        f"INSERT INTO tenancy.entries_{{n}} (organization_id, tenant_id, note) VALUES ('{head}', '{head}', 'x')",
    ):
        for n in range(2):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with presenting(service, hsbc.parent.token):
                    await service.execute(statement.format(n=n))
    await operator.close()
    await service.close()
