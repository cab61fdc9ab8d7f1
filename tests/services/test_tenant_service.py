"""The service's answers when another transaction writes between its statements."""

# ruff: noqa: PT012 - what raises is the transaction, so the block is the transaction

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from multi_tenant_db.database.tenant_session import tenant_session
from multi_tenant_db.errors import PreconditionFailed, TenantHasSubsidiaries
from multi_tenant_db.models import ANY_VERSION, VersionCondition
from multi_tenant_db.services.tenant_service import TenantService
from tests.services.overtaken_repository import OvertakenRepository
from tests.services.refused_repository import RefusedRepository
from tests.support.engines import pool
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.test_database import TestDatabase


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[AsyncEngine]:
    """Open a pool."""
    async with pool(database) as engine:
        yield engine


async def test_a_cascade_whose_version_comes_too_late_fails_its_condition(
    engine: AsyncEngine, as_admin: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """A head that gets the demanded version after the deletion has read it is 412, not the advice to cascade."""
    second = VersionCondition(accepted=frozenset({2}))
    head = hsbc.parent.tenant_id
    with pytest.raises(PreconditionFailed):
        async with tenant_session(engine, platform_operator.token) as (session, _caller):
            service = TenantService(session.sign_in, OvertakenRepository(session, as_admin))
            await service.delete_tenant(head, cascade=True, condition=second)

    remaining = await as_admin.fetchval("SELECT count(*) FROM tenancy.tenants WHERE organization_id = $1", head)
    assert remaining == len(hsbc.parties)


@pytest.mark.parametrize("cascade", [True, False])
async def test_the_advice_to_cascade_is_given_only_without_cascade(
    engine: AsyncEngine, hsbc: Organization, platform_operator: Party, cascade: bool
) -> None:
    """If the foreign key refuses the deletion, only a request without cascade=true is advised to set it."""
    with pytest.raises(TenantHasSubsidiaries) as raised:
        async with tenant_session(engine, platform_operator.token) as (session, _caller):
            service = TenantService(session.sign_in, RefusedRepository(session))
            await service.delete_tenant(hsbc.parent.tenant_id, cascade=cascade, condition=ANY_VERSION)
    assert ("cascade" in str(raised.value)) == (not cascade)
