"""The service's memory after many requests, its start-up time and the size of its pool."""

from contextlib import ExitStack
from time import monotonic

from benchmarks.data.database import Database
from benchmarks.measures.bench import Bench
from benchmarks.measures.comparison import POOL_SIZE, USUAL_CLIENTS
from benchmarks.measures.sample import Sample
from benchmarks.measures.workload import DAY, Workload
from benchmarks.peers.catalogue import SERVICE
from benchmarks.steps import Begin

MEMORY, START, POOL = "memory", "start", "pool"
STARTS = 5
MANY_CLIENTS = 100
SECONDS_BETWEEN_SAMPLES = 5.0
LISTS_IN_TEN = 2
MAX_SECONDS = 1_800
"""Time limit for slow machines; the report contains the number of requests."""


async def measure_memory(bench: Bench, database: Database, workload: Workload, begin: Begin) -> list[Sample]:
    """Read and list for the extent's number of requests; sample the worker's resident memory."""
    advance = begin(bench.extent.requests)
    with SERVICE.start(database, 1, POOL_SIZE) as process:
        samples = [Sample(MEMORY, 0, {"requests": 0}, 0, 0, {"resident": process.resident_mebibytes})]
        items = await workload.make(SERVICE, process.port, "GET by id", 0)
        pages = await workload.make(SERVICE, process.port, "list of 20", 0)
        requests = [request for _, request in items[: len(pages) * (10 - LISTS_IN_TEN) // LISTS_IN_TEN] + pages]
        long_window = bench.lasting(SECONDS_BETWEEN_SAMPLES)
        received = 0
        end = monotonic() + MAX_SECONDS
        while received < bench.extent.requests and monotonic() < end:
            batch, _ = long_window.send(process, requests, USUAL_CLIENTS)
            received += batch.responses
            figures = {"resident": process.resident_mebibytes}
            samples.append(Sample(MEMORY, 0, {"requests": received}, batch.responses, batch.checked, figures))
            advance(batch.responses, f"memory after {received:,} requests")
    return samples


def measure_start(database: Database, begin: Begin) -> list[Sample]:
    """Measure starts up to the first healthy response; the first start, which compiles, is excluded."""
    samples = []
    advance = begin(STARTS + 1)
    for number in range(STARTS + 1):
        with SERVICE.start(database, 1, POOL_SIZE) as process:
            figures = {"seconds": process.seconds_to_start, "resident": process.resident_mebibytes}
        if number:
            samples.append(Sample(START, number, {}, 1, 1, figures))
        advance(1, f"start {number}")
    return samples


async def measure_pools(bench: Bench, database: Database, workload: Workload, begin: Begin) -> list[Sample]:
    """Measure the service with several pool sizes, for reads and for the bank day."""
    samples = []
    operations = "GET by id", DAY
    advance = begin(bench.extent.rounds * len(operations) * len(bench.extent.pool_sizes))
    with ExitStack() as stack:
        processes = {size: stack.enter_context(SERVICE.start(database, 1, size)) for size in bench.extent.pool_sizes}
        for process in processes.values():
            await workload.warm_up(bench, (SERVICE, process))
        for number in range(bench.extent.rounds):
            for operation in operations:
                for size, process in processes.items():
                    batch, figures = await workload.send(bench, (SERVICE, process), operation, MANY_CLIENTS)
                    key = {"pool_size": size, "operation": operation}
                    samples.append(Sample(POOL, number, key, batch.responses, batch.checked, figures))
                    advance(1, f"pool of {size}: {operation}")
    return samples
