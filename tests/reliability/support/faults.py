"""What can happen to a database. Each function returns when it is back, and tells the moment."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from time import monotonic

import asyncpg

from multi_tenant_db.development import EmbeddedPostgres
from multi_tenant_db.development.processes import children_of

Fault = Callable[[EmbeddedPostgres, float], Awaitable[float]]

TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenancy_api'"


async def restart(server: EmbeddedPostgres, _seconds: float) -> float:
    """Stop it in order and start it at once."""
    return await stop(server, 0)


async def stop(server: EmbeddedPostgres, seconds: float) -> float:
    """Stop it in order; start it some seconds later."""
    await asyncio.to_thread(server.stop)
    await asyncio.sleep(seconds)
    return await start(server)


async def kill(server: EmbeddedPostgres, seconds: float) -> float:
    """Kill all its processes with SIGKILL; start it some seconds later, and it recovers from its log."""
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(seconds)
    return await start(server)


async def freeze(server: EmbeddedPostgres, seconds: float) -> float:
    """Freeze all its processes for some seconds: connections stay open, and nobody answers."""
    frozen = halt(server)
    await asyncio.sleep(seconds)
    for process_id in frozen:
        os.kill(process_id, signal.SIGCONT)
    return monotonic()


def halt(server: EmbeddedPostgres) -> list[int]:
    """Send SIGSTOP to all its processes, and return them."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    frozen = [server.pid, *children_of(server.pid)]
    for process_id in frozen:
        os.kill(process_id, signal.SIGSTOP)
    return frozen


async def terminate_connections(server: EmbeddedPostgres, seconds: float) -> float:
    """Terminate the service's connections, busy or idle, ten times a second for some seconds."""
    administrator = await asyncpg.connect(server.url())
    try:
        for _ in range(max(1, round(seconds * 10))):
            await administrator.execute(TERMINATE)
            await asyncio.sleep(0.1)
        return monotonic()
    finally:
        await administrator.close()


async def start(server: EmbeddedPostgres) -> float:
    """Start it."""
    await asyncio.to_thread(server.start)
    return monotonic()


FAULTS: dict[str, Fault] = {
    "restarted": restart,
    "stopped": stop,
    "killed with SIGKILL": kill,
    "frozen": freeze,
    "connections terminated": terminate_connections,
}
