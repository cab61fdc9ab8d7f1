"""The pool's slots."""

import asyncio

import pytest

from multi_tenant_db.database.connection_pool import pool_of
from multi_tenant_db.database.destination import Destination
from multi_tenant_db.database.engine import create_engine, service_url
from multi_tenant_db.database.tenant_session import deferred_tenant_session, transaction
from multi_tenant_db.errors import DatabaseUnavailable
from tests.support.organization import Organization
from tests.support.test_database import TestDatabase


async def test_waiting_callers_are_served_in_order(database: TestDatabase) -> None:
    """Waiting callers get connections in the order of their arrival."""
    settings = database.settings(pool_size=1)
    engine = create_engine(service_url(settings), settings)
    served: list[int] = []

    async def be_served(number: int) -> None:
        async with transaction(engine):
            served.append(number)
            await asyncio.sleep(0)

    async def come_again_and_again() -> None:
        for number in range(100, 200):
            await be_served(number)

    try:
        greedy = asyncio.create_task(come_again_and_again())
        await asyncio.sleep(0)
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(be_served(number))
        patient = [number for number in served if number < 100]
        assert patient == list(range(20))
        assert len(served) <= 2 * len(patient) + 2, "one caller was served out of turn"
        await greedy
    finally:
        await engine.dispose()


@pytest.mark.parametrize("invented", [False, True], ids=["one token", "invented tokens"])
async def test_waiting_callers_are_served_in_turn_by_token(
    database: TestDatabase, hsbc: Organization, barclays: Organization, invented: bool
) -> None:
    """A caller behind twenty requests of another waits for one of them; invented tokens are one caller, too."""
    settings = database.settings(pool_size=1)
    engine = create_engine(service_url(settings), settings)
    served: list[str] = []

    async def be_served(token: str) -> None:
        async with deferred_tenant_session(Destination(engine), token) as session:
            try:
                await session.sign_in()
            finally:
                served.append(token)

    tokens = [f"mtdb_invented_{number}" if invented else hsbc.parent.token for number in range(20)]
    try:
        for party in (hsbc.parent, barclays.parent):
            await be_served(party.token)
        served.clear()
        async with pool_of(engine).slot():
            flood = [asyncio.create_task(be_served(token)) for token in tokens]
            await asyncio.sleep(0)
            neighbours = [asyncio.create_task(be_served(barclays.parent.token)) for _ in range(3)]
            await asyncio.sleep(0)
        await asyncio.gather(*flood, *neighbours, return_exceptions=True)
        assert len(served) == len(tokens) + len(neighbours)
        assert served[:6].count(barclays.parent.token) == len(neighbours)
    finally:
        await engine.dispose()


async def test_waiting_ends_with_the_pools_timeout(database: TestDatabase) -> None:
    """A caller that waits longer than the pool's timeout gets DatabaseUnavailable, and its slot is free again."""
    settings = database.settings(pool_size=1, pool_timeout_seconds=0.1)
    engine = create_engine(service_url(settings), settings)
    try:
        async with pool_of(engine).slot():
            with pytest.raises(DatabaseUnavailable):
                async with transaction(engine):
                    pass
        async with transaction(engine):
            pass
    finally:
        await engine.dispose()


async def test_a_cancelled_waiter_leaves_the_queue(database: TestDatabase) -> None:
    """A cancelled caller takes no slot, and the callers behind it are still served."""
    settings = database.settings(pool_size=1)
    engine = create_engine(service_url(settings), settings)

    async def wait() -> None:
        async with pool_of(engine).slot():
            pass

    try:
        async with pool_of(engine).slot():
            waiters = [asyncio.create_task(wait()) for _ in range(3)]
            await asyncio.sleep(0)
            waiters[0].cancel()
        await asyncio.gather(*waiters[1:])
        assert waiters[0].cancelled()
    finally:
        await engine.dispose()
