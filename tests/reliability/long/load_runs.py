"""Many clients for a while, and the memory of the service meanwhile."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from time import monotonic

from multi_tenant_db.development.ports import free_port
from tests.reliability.long.load_record import LoadRecord
from tests.reliability.support.judgement import judge
from tests.reliability.support.load import under_load
from tests.reliability.support.pauses import AS_TOLD
from tests.reliability.support.service import Service
from tests.support.test_database import TestDatabase
from tests.support.wire_channel import WireChannel

SECONDS_BETWEEN_SAMPLES = 2.0
OPERATORS_PERCENT = 5


async def run_load(
    database: TestDatabase, service: Service, clients: int, seconds: float, advance: Callable[[float], None]
) -> LoadRecord:
    """Let so many clients work, each in a loop without a pause, and judge what they saw."""
    operators = clients * OPERATORS_PERCENT // 100
    resident = []
    async with under_load(
        database, service.port, writers=clients - operators, operators=operators, pauses=AS_TOLD
    ) as load:
        begin = last = monotonic()
        while (now := monotonic()) < begin + seconds:
            advance(now - last)
            last = now
            resident.append(await asyncio.to_thread(service.resident_bytes))
            await asyncio.sleep(min(SECONDS_BETWEEN_SAMPLES, begin + seconds - now))
        lasted = monotonic() - begin
    advance(monotonic() - last)
    judgement = await judge(database, load)
    answers = load.history.answers
    return LoadRecord(
        clients=clients,
        seconds=lasted,
        seen=Counter(answer.seen for answer in answers),
        latencies=[(answer.ended - answer.started) * 1_000 for answer in answers if answer.is_right],
        resident=resident,
        acknowledged=judgement.acknowledged,
        found=judgement.found,
        complaints=judgement.complaints,
    )


async def limit_of_the_generator(clients: int, seconds: float) -> float:
    """Return how many requests a second these clients make of a server that answers at once, whatever they ask."""
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.reliability.long.instant_server", str(port), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        await server.stdout.readline()
        end = monotonic() + seconds
        counts = await asyncio.gather(*(_ask_until(WireChannel(port), end) for _ in range(clients)))
        return sum(counts) / seconds
    finally:
        server.terminate()
        await server.wait()


async def _ask_until(line: WireChannel, end: float) -> int:
    count = 0
    while monotonic() < end:
        await line.ask("GET", "/tenants", [("Authorization", "Bearer nobody")])
        count += 1
    await line.close()
    return count
