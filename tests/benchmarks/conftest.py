"""A small database for the service and its peers."""

from collections.abc import AsyncIterator

import pytest

from benchmarks.data.database import Database
from benchmarks.data.server import running_server
from benchmarks.measures.workload import Workload


@pytest.fixture(scope="session")
async def bench_database() -> AsyncIterator[Database]:
    """Make the database of a run."""
    with running_server() as server:
        async with Database(server, "bench") as database:
            yield database


@pytest.fixture(scope="session")
async def workload(bench_database: Database) -> Workload:
    """Fill it with a few organisations, and know what to ask of whom."""
    readers = await bench_database.add_organizations(2, 25)
    writers = await bench_database.add_organizations(2, 10)
    await bench_database.add_plain_copy()
    await bench_database.vacuum()
    return Workload(bench_database, await bench_database.callers(readers), await bench_database.callers(writers))
