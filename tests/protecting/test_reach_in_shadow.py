"""What the policies of the shadow are told of the caller."""

from uuid import UUID

import asyncpg

from tests.support.context import presenting
from tests.support.organization import Organization
from tests.support.party import Party

LOWEST, HIGHEST = UUID(int=0), UUID(int=2**128 - 1)


async def test_the_reach_of_each_caller(
    as_admin: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """First and last organisation, first and last tenant; NULL for a value that is no token, which is no error."""
    organization, subsidiary = hsbc.parent.tenant_id, hsbc.subsidiaries[0]
    for token, reach in (
        (hsbc.parent.token, [organization, organization, LOWEST, HIGHEST]),
        (subsidiary.token, [organization, organization, subsidiary.tenant_id, subsidiary.tenant_id]),
        (platform_operator.token, [LOWEST, HIGHEST, LOWEST, HIGHEST]),
        (f"{subsidiary.token}x", None),
        (str(organization), None),
        ("", None),
        (None, None),
    ):
        async with presenting(as_admin, token):
            assert await as_admin.fetchval("SELECT tenancy.reach_in_shadow()") == reach
