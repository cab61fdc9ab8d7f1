"""A run: starts, measures and removes the server and its databases."""

from collections.abc import Callable, Collection

from benchmarks.data.database import Database
from benchmarks.data.server import running_server
from benchmarks.extent import Extent
from benchmarks.load.generator import Generator
from benchmarks.machine import describe_machine
from benchmarks.measures import comparison, database_alone, fairness, growth, headroom, process
from benchmarks.measures.bench import Bench
from benchmarks.results import Results
from benchmarks.steps import Begin

MEASURES = (
    headroom.MEASURE,
    database_alone.MEASURE,
    comparison.MEASURE,
    fairness.MEASURE,
    process.START,
    process.POOL,
    process.MEMORY,
    growth.MEASURE,
)


async def run(results: Results, extent: Extent, only: Collection[str], progress: Callable[[str], Begin]) -> None:
    """Run the measures in `only` and add to `results`; `progress` returns the callback for a measure's begin."""
    with running_server() as server, Generator() as generator:
        bench = Bench(server, generator, extent)
        results.machine |= await describe_machine(server)
        if headroom.MEASURE in only:
            results.samples += headroom.measure_headroom(bench, progress(headroom.MEASURE))
        if set(only) - {headroom.MEASURE, growth.MEASURE}:
            await _beside_peers(results, bench, only, progress)
        if growth.MEASURE in only:
            results.samples += await growth.measure_growth(bench, progress(growth.MEASURE))


async def _beside_peers(
    results: Results, bench: Bench, only: Collection[str], progress: Callable[[str], Begin]
) -> None:
    """Run the measures on the database that the service shares with its peers."""
    async with Database(bench.server, "bench") as database:
        workload = await comparison.fill(database, bench.extent.tenants)
        given = (bench, database, workload)
        if database_alone.MEASURE in only:
            begin = progress(database_alone.MEASURE)
            results.samples += database_alone.measure_alone(bench, database, workload.readers, begin)
        if comparison.MEASURE in only:
            samples, results.skipped = await comparison.compare(*given, progress(comparison.MEASURE))
            results.samples += samples
        if fairness.MEASURE in only:
            results.samples += await fairness.measure_fairness(*given, progress(fairness.MEASURE))
        if process.START in only:
            results.samples += process.measure_start(database, progress(process.START))
        if process.POOL in only:
            results.samples += await process.measure_pools(*given, progress(process.POOL))
        if process.MEMORY in only:
            results.samples += await process.measure_memory(*given, progress(process.MEMORY))
