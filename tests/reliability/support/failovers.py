"""What can happen to a primary that has a standby. Each function returns the moment of the promotion."""

import asyncio
from collections.abc import Awaitable, Callable

from multi_tenant_db.development import EmbeddedPostgres
from tests.reliability.support.faults import halt
from tests.support.standby import promote

Failover = Callable[[EmbeddedPostgres, EmbeddedPostgres], Awaitable[float]]

SECONDS_TO_NOTICE = 1.0
"""Between the loss and the promotion: what a cluster manager takes at least."""


async def kill_and_promote(primary: EmbeddedPostgres, standby: EmbeddedPostgres) -> float:
    """Kill all processes of the primary with SIGKILL."""
    await asyncio.to_thread(primary.kill)
    return await _promote_later(standby)


async def stop_and_promote(primary: EmbeddedPostgres, standby: EmbeddedPostgres) -> float:
    """Stop the primary in order."""
    await asyncio.to_thread(primary.stop)
    return await _promote_later(standby)


async def freeze_and_promote(primary: EmbeddedPostgres, standby: EmbeddedPostgres) -> float:
    """Freeze the primary: its connections stay open, new ones are accepted by the kernel, and nothing answers."""
    halt(primary)
    return await _promote_later(standby)


async def promote_beside(_primary: EmbeddedPostgres, standby: EmbeddedPostgres) -> float:
    """Leave the primary as it is: it takes writes as before, as without fencing."""
    return await promote(standby)


async def _promote_later(standby: EmbeddedPostgres) -> float:
    await asyncio.sleep(SECONDS_TO_NOTICE)
    return await promote(standby)
