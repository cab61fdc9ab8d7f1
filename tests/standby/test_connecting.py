"""A connection to a standby that is given up is closed: the event loop would keep it open."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import make_url

from multi_tenant_db.database.engine import create_engine
from multi_tenant_db.database.standby import Standby
from multi_tenant_db.settings import Settings


class Driver:
    """A connection whose first query fails."""

    def __init__(self, failure: BaseException) -> None:
        self.is_closed = False
        self._failure = failure

    async def fetchval(self, _query: str, **_options: Any) -> None:
        """Fail."""
        raise self._failure

    def terminate(self) -> None:
        """Note the end."""
        self.is_closed = True


@pytest.mark.parametrize("failure", [TimeoutError(), asyncio.CancelledError()], ids=["no response", "cancelled"])
async def test_a_connection_that_is_not_identified_is_closed(
    monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    """A server that accepts a connection and then does not answer, or a caller that goes away meanwhile."""
    driver = Driver(failure)

    async def connect(**_options: Any) -> Driver:
        return driver

    monkeypatch.setattr("multi_tenant_db.database.standby.connect", connect)
    settings = Settings.model_validate({"database_url": "postgresql://primary/tenancy"})
    url = make_url("postgresql+asyncpg://standby/tenancy")
    standby = Standby(url, lambda connect: create_engine(url, settings, connect=connect), max_lag_seconds=1)
    with pytest.raises(type(failure)):
        await standby._connect(timeout=1)
    assert driver.is_closed
