"""The functions of the context: their results, lifetime and number of calls."""

from uuid import UUID

import asyncpg
import pytest

from tests.support.context import presenting, visible_ids
from tests.support.organization import Organization
from tests.support.party import Party

FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)
ANSWERS = """
    SELECT tenancy.current_tenant_id(), tenancy.current_organization_id(), tenancy.first_tenant_id_in_reach(),
           tenancy.last_tenant_id_in_reach(), tenancy.is_platform_operator(), tenancy.first_organization_id_in_reach()
"""
STATEMENTS = (
    "SELECT * FROM tenancy.tenants",
    "SELECT * FROM tenancy.tenant_events",
    "UPDATE tenancy.tenants SET name = name",
    "DELETE FROM tenancy.tenants",
)


async def test_what_the_policies_are_told(
    as_api: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """A parent reaches its organisation, a subsidiary itself, an operator all; without a token the reach is empty."""
    head, child = hsbc.parent.tenant_id, hsbc.subsidiaries[0].tenant_id
    expected = {
        hsbc.parent.token: (head, head, FIRST, LAST, False, None),
        hsbc.subsidiaries[0].token: (child, head, child, child, False, None),
        platform_operator.token: (None, None, None, None, True, FIRST),
        "": (None, None, None, None, False, None),
    }
    for token, answers in expected.items():
        async with presenting(as_api, token):
            assert tuple(await as_api.fetchrow(ANSWERS)) == answers


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_the_policies_call_them_once_a_statement(
    as_api: asyncpg.Connection, hsbc: Organization, statement: str
) -> None:
    """No condition on rows calls a function of the context: each result is an InitPlan."""
    for as_platform in (False, True):
        async with presenting(as_api, hsbc.parent.token, as_platform=as_platform):
            plan = [row[0] for row in await as_api.fetch(f"EXPLAIN {statement}")]
        conditions = [line for line in plan if "Filter:" in line or "Cond:" in line]
        assert conditions
        assert not [line for line in conditions if "tenancy." in line]


async def test_signing_in_holds_for_one_transaction(as_api: asyncpg.Connection, hsbc: Organization) -> None:
    """After the transaction with the sign-in ends, the session has no caller."""
    async with as_api.transaction():
        await as_api.fetch("SELECT * FROM tenancy.sign_in($1)", hsbc.parent.token)
        assert await visible_ids(as_api) == [party.tenant_id for party in hsbc.parties]
    assert await as_api.fetchval("SELECT current_setting('app.current_tenant', true)") == ""
    assert await visible_ids(as_api) == []


@pytest.mark.parametrize("token", [None, "", "mtdb_invented"])
async def test_signing_in_needs_a_valid_token(as_api: asyncpg.Connection, token: str | None) -> None:
    """Signing in without a live token is an error, not an empty result."""
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await as_api.fetch("SELECT * FROM tenancy.sign_in($1)", token)
