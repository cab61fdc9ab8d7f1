"""Hundreds of clients for a moment; `make reliability` has a thousand, and takes minutes."""

import pytest

from tests.reliability.long.load_runs import run_load
from tests.reliability.support.service import serving
from tests.support.extent import EXHAUSTIVE
from tests.support.test_database import TestDatabase

pytestmark = pytest.mark.exhaustive

CLIENTS = 300 if EXHAUSTIVE else 100
SECONDS = 3.0 if EXHAUSTIVE else 1.5
MOST_RESIDENT_BYTES = 512 * 1024**2


def ignore_progress(_seconds: float) -> None:
    """Have no bar to move."""


async def test_many_clients_are_served_honestly(fragile: TestDatabase) -> None:
    """Every answer is right, or a 503 that says so; what was acknowledged is there; the memory stays bounded."""
    async with serving(fragile, workers=2) as service:
        record = await run_load(fragile, service, CLIENTS, SECONDS, ignore_progress)

    assert record.complaints == []
    assert len(record.latencies) >= CLIENTS
    assert record.acknowledged == record.found > 0
    assert max(record.resident) < MOST_RESIDENT_BYTES
