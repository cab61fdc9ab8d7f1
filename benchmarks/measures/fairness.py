"""Latency of one organisation's requests while another floods the service."""

import asyncio

from benchmarks.data.database import Database
from benchmarks.load.batch import Batch
from benchmarks.load.generator import WARM_UP_SECONDS, Generator
from benchmarks.measures.bench import Bench
from benchmarks.measures.comparison import POOL_SIZE
from benchmarks.measures.sample import Sample
from benchmarks.measures.workload import Workload
from benchmarks.peers.catalogue import SERVICE
from benchmarks.steps import Begin

MEASURE = "fairness"
FLOOD_CLIENTS, CLIENTS = 300, 5
ALONE, FLOODED, FLOOD = "alone", "flooded", "flood"
SECONDS = 2.0
LEAD_SECONDS = 0.5
"""The flood begins before and ends after the neighbour's window."""


async def measure_fairness(bench: Bench, database: Database, workload: Workload, begin: Begin) -> list[Sample]:
    """Measure GET by id for five clients of one organisation, alone and beside 300 of another, on one worker."""
    samples = []
    advance = begin(bench.extent.rounds * 2)
    window = bench.lasting(max(SECONDS, bench.extent.seconds))
    with SERVICE.start(database, 1, POOL_SIZE) as process, Generator() as flood:
        await workload.warm_up(bench, (SERVICE, process))
        requests = [request for _, request in await workload.make(SERVICE, process.port, "GET by id", 0)]
        # The requests are of the readers in turn.
        of_one, of_other = (requests[number :: len(workload.readers)] for number in (0, 1))
        for number in range(bench.extent.rounds):
            batch, figures = window.send(process, of_other, CLIENTS)
            samples.append(_sample(number, ALONE, batch, figures))
            advance(1, "alone")
            seconds = window.extent.seconds + 2 * (LEAD_SECONDS + WARM_UP_SECONDS)
            flooding = flood.begin(process.port, of_one, clients=FLOOD_CLIENTS, seconds=seconds)
            await asyncio.sleep(LEAD_SECONDS + WARM_UP_SECONDS)
            batch, figures = window.send(process, of_other, CLIENTS)
            samples.append(_sample(number, FLOODED, batch, figures))
            whole = flooding.result()
            samples.append(_sample(number, FLOOD, whole, {"per_second": whole.per_second, "p95": whole.p95}))
            advance(1, "beside a flood")
    return samples


def _sample(number: int, how: str, batch: Batch, figures: dict[str, float]) -> Sample:
    return Sample(MEASURE, number, {"how": how}, batch.responses, batch.checked, figures)
