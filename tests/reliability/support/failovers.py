"""What can happen to a primary and its standby. Each function returns when the promotion was asked for."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from time import monotonic

from multi_tenant_db.development import EmbeddedPostgres
from tests.reliability.support.faults import halt
from tests.support.standby import SYNCHRONOUS, fetch_value, promote, require_standby, standby_of

Failover = Callable[[EmbeddedPostgres, EmbeddedPostgres], Awaitable[float]]

SECONDS_TO_NOTICE = 1.0
"""Between the loss and the promotion: what a cluster manager takes at least."""

SECONDS_BEHIND = 1.0
SECONDS_WITHOUT_STANDBY = 5.0


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


async def exchange_roles(primary: EmbeddedPostgres, standby: EmbeddedPostgres) -> float:
    """Stop the primary in order; it comes back as the standby of the new one, which waits for it as it was waited for.

    The same objects control both servers afterwards.
    """
    asked = await stop_and_promote(primary, standby)
    former = standby_of(standby, primary.folder, port=primary.port, durable=True, settings=SYNCHRONOUS)
    await asyncio.to_thread(former.start)
    await require_standby(standby)
    return asked


async def kill_unreplicated_and_promote(primary: EmbeddedPostgres, standby: EmbeddedPostgres) -> float:
    """Kill the primary when the standby has received nothing for a second, as over a slow network."""
    os.kill(await fetch_value(primary, "SELECT pid FROM pg_stat_replication"), signal.SIGSTOP)
    await asyncio.sleep(SECONDS_BEHIND)
    return await kill_and_promote(primary, standby)


async def lose_the_standby(_primary: EmbeddedPostgres, standby: EmbeddedPostgres) -> float:
    """Stop the standby for some seconds; return when its start was asked for."""
    await asyncio.to_thread(standby.stop)
    await asyncio.sleep(SECONDS_WITHOUT_STANDBY)
    asked = monotonic()
    await asyncio.to_thread(standby.start)
    return asked


async def promote_beside(_primary: EmbeddedPostgres, standby: EmbeddedPostgres) -> float:
    """Leave the primary as it is: it takes writes as before, as without fencing."""
    return await promote(standby)


async def _promote_later(standby: EmbeddedPostgres) -> float:
    await asyncio.sleep(SECONDS_TO_NOTICE)
    return await promote(standby)
