"""A connection to a standby that is given up is closed: the event loop would keep it open."""

import asyncio
from typing import Any

import pytest

from multi_tenant_db.database.servers import Servers
from multi_tenant_db.settings import Settings


class Driver:
    """A connection whose first query fails, or says of no server when it was started."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.is_closed = False
        self._failure = failure

    async def fetchval(self, _query: str, **_options: Any) -> None:
        """Fail, or return nothing."""
        if self._failure is not None:
            raise self._failure

    def terminate(self) -> None:
        """Note the end."""
        self.is_closed = True


def servers_with(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> Servers:
    """Return the servers of a service whose connections to the standby are this one."""

    async def connect(**_options: Any) -> Driver:
        return driver

    monkeypatch.setattr("multi_tenant_db.database.standby.connect", connect)
    urls = {"database_url": "postgresql://primary/tenancy", "read_database_url": "postgresql://standby/tenancy"}
    return Servers.of(Settings.model_validate(urls))


@pytest.mark.parametrize("failure", [TimeoutError(), asyncio.CancelledError()], ids=["no response", "cancelled"])
async def test_a_connection_that_is_not_identified_is_closed(
    monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    """A server that accepts a connection and then does not answer, or a caller that goes away meanwhile."""
    driver = Driver(failure)
    servers = servers_with(driver, monkeypatch)
    assert servers.default.reads
    with pytest.raises(type(failure)):
        await servers.default.reads.standbys[0]._connect(timeout=1)
    assert driver.is_closed
    await servers.dispose()


async def test_the_end_closes_every_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that no pool has, since the read that opened it was cancelled."""
    driver = Driver()
    servers = servers_with(driver, monkeypatch)
    assert servers.default.reads
    assert await servers.default.reads.standbys[0]._connect(timeout=1) is driver
    await servers.dispose()
    assert driver.is_closed
