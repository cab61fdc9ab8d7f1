"""Whether it matters how many tenants there are, how large an organisation is, and how far one has paged."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from benchmarks.data.database import PASSWORD, Database
from benchmarks.judge import Judge
from benchmarks.load.shot import Shot
from benchmarks.load.transactions import Transaction
from benchmarks.measures.bench import Bench
from benchmarks.measures.comparison import POOL_SIZE
from benchmarks.measures.database_alone import proven_page, proven_read
from benchmarks.measures.plans import check_plans
from benchmarks.measures.sample import Sample
from benchmarks.peers.catalogue import SERVICE
from benchmarks.running_process import RunningProcess
from benchmarks.steps import Begin

MEASURE = "growth"
SMALL, GIANT = 10, 20_000
LIMIT = 10
"""Of each page, so that both organisations fill one and answers are of the same size."""
DEEP = 499 * LIMIT
CALLERS = 100
EVENTS = 100_000
SHORTER = 3
"""Windows of one client are shorter and more, since latencies are compared over several windows."""
ITEM, FIRST, LATER = "item", "first page", "500th page"
PLANS = "plans"

Cell = tuple[str, int]
"""What is asked for, and in an organisation of how many subsidiaries."""


@dataclass
class Ground:
    """A database of some size, a service on it, and what is asked there."""

    tenants: int
    database: Database
    service: RunningProcess
    shots: dict[Cell, list[Shot]]
    transactions: dict[Cell, list[Transaction]]


async def measure_growth(bench: Bench, begin: Begin) -> list[Sample]:
    """Measure one client's latency in all databases, over HTTP and in the database alone, all in each round."""
    samples: list[Sample] = []
    advance = begin(_steps(bench))
    async with AsyncExitStack() as stack:
        grounds = []
        for tenants in bench.extent.growth:
            grounds.append(await _ground(stack, bench, tenants, samples))
            advance(1, f"{tenants:,} tenants loaded")
        brief = bench.lasting(bench.extent.seconds / SHORTER)
        for number in range(bench.extent.rounds * SHORTER):
            for at in grounds[-1].shots:
                for ground in grounds:
                    if at in ground.shots:
                        samples += _measure(ground, brief, at, number)
                        advance(1, f"{ground.tenants:,} tenants: {at[0]} in an organisation of {at[1]:,}")
    return samples


def _steps(bench: Bench) -> int:
    in_all, with_giant = len(bench.extent.growth), sum(tenants > GIANT for tenants in bench.extent.growth)
    return in_all + bench.extent.rounds * SHORTER * (2 * in_all + 2 * with_giant)


async def _ground(stack: AsyncExitStack, bench: Bench, tenants: int, samples: list[Sample]) -> Ground:
    database = await stack.enter_async_context(Database(bench.server, f"growth_{tenants}"))
    giants = await database.add_organizations(1, GIANT) if tenants > GIANT else []
    others = (tenants - len(giants) * (GIANT + 1)) // (SMALL + 1)
    small = await database.add_organizations(others, SMALL)
    await database.add_events(EVENTS)
    await database.vacuum()
    callers = await database.callers(small[:: max(1, len(small) // CALLERS)][:CALLERS])
    giant = await database.callers(giants)
    plans = await check_plans(database, (giant or callers)[0], callers[-1])
    samples += [Sample(PLANS, 0, {"tenants": tenants, **plan}, 1, 1) for plan in plans]
    service = stack.enter_context(SERVICE.start(database, 1, POOL_SIZE))
    judge, say = Judge(database), SERVICE.dialect
    shots = {
        (ITEM, SMALL): [await judge.read_shot(say, service.port, one, n % SMALL) for n, one in enumerate(callers)],
        (FIRST, SMALL): [await judge.page_shot(say, service.port, one, LIMIT) for one in callers],
    }
    transactions = {
        (ITEM, SMALL): [proven_read(one, n % SMALL) for n, one in enumerate(callers)],
        (FIRST, SMALL): [proven_page(one, LIMIT) for one in callers],
    }
    for one in giant:
        for what, skip in ((FIRST, 0), (LATER, DEEP)):
            shots[what, GIANT] = [await judge.page_shot(say, service.port, one, LIMIT, skip)]
            transactions[what, GIANT] = [proven_page(one, LIMIT, skip)]
    return Ground(tenants, database, service, shots, transactions)


def _measure(ground: Ground, bench: Bench, at: Cell, number: int) -> list[Sample]:
    key = {"tenants": ground.tenants, "what": at[0], "organization": at[1]}
    over_http, figures = bench.fire(ground.service, ground.shots[at], clients=1)
    url = ground.database.url("tenancy_api", PASSWORD)
    alone, in_database = bench.run(url, ground.transactions[at], connections=1)
    return [
        Sample(MEASURE, number, {**key, "through": "HTTP"}, over_http.answers, over_http.checked, figures),
        Sample(MEASURE, number, {**key, "through": "database"}, alone.answers, alone.checked, in_database),
    ]
