"""Isolation levels with a snapshot: it holds the tenants, but not the validity of tokens."""

import asyncpg
import pytest

from tests.support.organization import Organization
from tests.support.registry import Registry

TOUCH = "UPDATE tenancy.tenants SET metadata = '{\"touched\": true}'"


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize("statement", ["SELECT FROM tenancy.tenants", TOUCH])
async def test_a_revoked_token_ends_with_the_next_statement_at_every_isolation_level(
    as_api: asyncpg.Connection, registry: Registry, hsbc: Organization, level: str, statement: str
) -> None:
    """A caller whose token is revoked hopes to go on in a transaction that still sees the moment before."""
    token = hsbc.parent.token
    await as_api.execute(f"BEGIN ISOLATION LEVEL {level}")
    try:
        try:
            await as_api.execute("SELECT tenancy.sign_in($1)", token)
            await as_api.execute("SELECT FROM tenancy.tenants")
        except asyncpg.PostgresError:
            return  # refused from the start: nothing to go on with

        await registry.revoke(token)
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await as_api.execute(statement)
    finally:
        await as_api.execute("ROLLBACK")
