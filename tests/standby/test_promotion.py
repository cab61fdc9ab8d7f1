"""A standby that is promoted."""

from collections.abc import AsyncIterator

import pytest

from tests.support.organization import Organization
from tests.support.replica import Replica, replica
from tests.support.replica_service import replica_service
from tests.support.standby import promote

pytestmark = pytest.mark.exhaustive


@pytest.fixture
async def mortal() -> AsyncIterator[Replica]:
    """Start servers that are not the same afterwards."""
    async with replica() as servers:
        yield servers


async def test_a_promoted_standby_is_not_used(mortal: Replica) -> None:
    """It takes writes of its own: reads go to the primary that the service writes to."""
    bank: Organization = await mortal.create_organization()
    async with replica_service(mortal.settings(read_max_lag_seconds=1_000)) as service:
        await service.until_read_from_standby(bank.parent)
        await promote(mortal.standby_server)
        await service.until_not_fit()
        await service.rename(bank.parent, "written on the primary")
        assert await service.name_of(bank.parent) == "written on the primary"
        with pytest.raises(AssertionError, match="in vain"):
            await service.until_read_from_standby(bank.parent, seconds=3)
