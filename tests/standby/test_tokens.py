"""Tokens on a standby: a new one is accepted at once, a revoked one no longer than the lag that is allowed."""

from collections.abc import AsyncIterator

import pytest

from tests.reliability.support.until import until
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.replica import Replica
from tests.support.replica_service import ReplicaService, replica_service
from tests.support.standby import lagging

BOUND = 5.0
"""Seconds; a read after the revocation takes less, also on a busy machine."""


@pytest.fixture
async def registry(servers: Replica) -> AsyncIterator[Registry]:
    """Work on the primary as an operator."""
    operator = await servers.primary.connect_as_operator()
    yield Registry(operator)
    await operator.close()


async def new_party(registry: Registry, bank: Organization) -> Party:
    """Issue a further token of the head."""
    head = bank.parent
    return Party(head.tenant_id, head.name, await registry.issue_token(head.tenant_id, head.tenant_id))


async def status_of(service: ReplicaService, party: Party) -> int:
    """Read as the party."""
    return (await service.client.get("/tenants", headers=party.headers)).status_code


async def test_a_new_token_is_never_refused(servers: Replica, registry: Registry, bank: Organization) -> None:
    """A token that the standby has not heard of is verified by the primary, as often as it is used."""
    async with replica_service(servers.settings(read_max_lag_seconds=1_000)) as service:
        await service.until_read_from_standby(bank.parent)
        async with lagging(servers.standby_server):
            new = await new_party(registry, bank)
            assert [await status_of(service, new) for _ in range(5)] == [200] * 5
            assert service.reads.has_fit_standby()
        await service.until_read_from_standby(new)


async def test_a_revoked_token_is_refused_within_the_bound(
    servers: Replica, registry: Registry, bank: Organization
) -> None:
    """A standby that does not apply the revocation accepts the token until it is too far behind, and never again."""
    async with replica_service(servers.settings(read_max_lag_seconds=BOUND)) as service:
        party = await new_party(registry, bank)
        await service.until_read_from_standby(party)

        async def refused() -> bool:
            return await status_of(service, party) == 401

        async with lagging(servers.standby_server):
            await registry.revoke(party.token)
            assert await status_of(service, party) == 200
            await until(refused, "the revoked token is refused", 5 * BOUND)
            assert not service.reads.has_fit_standby()
        await service.until_read_from_standby(bank.parent)
        assert await status_of(service, party) == 401


async def test_a_revocation_that_the_standby_has_is_effective(
    servers: Replica, registry: Registry, bank: Organization
) -> None:
    """A standby that applies what it receives refuses the token, and so does the primary, which is asked as well."""
    async with replica_service(servers.settings(read_max_lag_seconds=1_000)) as service:
        party = await new_party(registry, bank)
        await service.until_read_from_standby(party)
        await registry.revoke(party.token)
        await servers.wait_until_applied()
        assert [await status_of(service, party) for _ in range(3)] == [401] * 3
