"""The service as a process: its memory after many requests, its start, the size of its pool."""

from contextlib import ExitStack
from time import monotonic

from benchmarks.data.database import Database
from benchmarks.measures.ammunition import DAY, Ammunition
from benchmarks.measures.bench import Bench
from benchmarks.measures.comparison import POOL_SIZE, USUAL_CLIENTS
from benchmarks.measures.sample import Sample
from benchmarks.peers.catalogue import SERVICE
from benchmarks.steps import Begin

MEMORY, START, POOL = "memory", "start", "pool"
STARTS = 5
MANY_CLIENTS = 100
SECONDS_BETWEEN_LOOKS = 5.0
LISTS_IN_TEN = 2
MOST_SECONDS = 1_800
"""So that a slow machine comes to an end; how many requests there were is said."""


async def measure_memory(bench: Bench, database: Database, ammunition: Ammunition, begin: Begin) -> list[Sample]:
    """Read and list until so many requests are answered; look at the worker's resident memory now and then."""
    advance = begin(bench.extent.requests)
    with SERVICE.start(database, 1, POOL_SIZE) as process:
        samples = [Sample(MEMORY, 0, {"requests": 0}, 0, 0, {"resident": process.resident_mebibytes})]
        items = await ammunition.make(SERVICE, process.port, "GET by id", 0)
        pages = await ammunition.make(SERVICE, process.port, "list of 20", 0)
        shots = [shot for _, shot in items[: len(pages) * (10 - LISTS_IN_TEN) // LISTS_IN_TEN] + pages]
        patient = bench.lasting(SECONDS_BETWEEN_LOOKS)
        answered = 0
        end = monotonic() + MOST_SECONDS
        while answered < bench.extent.requests and monotonic() < end:
            volley, _ = patient.fire(process, shots, USUAL_CLIENTS)
            answered += volley.answers
            figures = {"resident": process.resident_mebibytes}
            samples.append(Sample(MEMORY, 0, {"requests": answered}, volley.answers, volley.checked, figures))
            advance(volley.answers, f"memory after {answered:,} requests")
    return samples


def measure_start(database: Database, begin: Begin) -> list[Sample]:
    """Start the service over and over, until its first healthy answer; the first start, which compiles, is left out."""
    samples = []
    advance = begin(STARTS + 1)
    for number in range(STARTS + 1):
        with SERVICE.start(database, 1, POOL_SIZE) as process:
            figures = {"seconds": process.seconds_to_start, "resident": process.resident_mebibytes}
        if number:
            samples.append(Sample(START, number, {}, 1, 1, figures))
        advance(1, f"start {number}")
    return samples


async def measure_pools(bench: Bench, database: Database, ammunition: Ammunition, begin: Begin) -> list[Sample]:
    """Measure the service with pools of several sizes, reading and on a bank day."""
    samples = []
    operations = "GET by id", DAY
    advance = begin(bench.extent.rounds * len(operations) * len(bench.extent.pool_sizes))
    with ExitStack() as stack:
        processes = {size: stack.enter_context(SERVICE.start(database, 1, size)) for size in bench.extent.pool_sizes}
        for process in processes.values():
            await ammunition.warm_up(bench, (SERVICE, process))
        for number in range(bench.extent.rounds):
            for operation in operations:
                for size, process in processes.items():
                    volley, figures = await ammunition.fire(bench, (SERVICE, process), operation, MANY_CLIENTS)
                    key = {"pool_size": size, "operation": operation}
                    samples.append(Sample(POOL, number, key, volley.answers, volley.checked, figures))
                    advance(1, f"pool of {size}: {operation}")
    return samples
