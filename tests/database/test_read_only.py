"""Signing in and reading in read-only transactions, as on a replica."""

import asyncpg
import pytest

from tests.support.organization import Organization
from tests.support.test_database import TestDatabase


async def test_a_read_only_transaction_signs_in_and_reads(database: TestDatabase, hsbc: Organization) -> None:
    """The policies work in a read-only transaction, since signing in writes nothing; a write is refused."""
    connection = await database.connect_as_api()
    try:
        async with connection.transaction(readonly=True):
            await connection.execute("SELECT tenancy.sign_in($1)", hsbc.parent.token)
            seen = await connection.fetch("SELECT tenant_id FROM tenancy.tenants")
            assert {row[0] for row in seen} == {party.tenant_id for party in hsbc.parties}
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await connection.execute("UPDATE tenancy.tenants SET name = name")
    finally:
        await connection.close()
