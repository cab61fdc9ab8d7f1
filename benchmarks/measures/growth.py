"""Latency by number of tenants, size of an organisation and depth of a page."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from benchmarks.data.database import PASSWORD, Database
from benchmarks.judge import Judge
from benchmarks.load.checked_request import CheckedRequest
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
"""Page size: both organisations fill a page, so that responses have the same size."""
DEEP = 499 * LIMIT
CALLERS = 100
EVENTS = 100_000
SHORTER = 3
"""Divides the length and multiplies the number of windows, since latencies are compared over several windows."""
ITEM, FIRST, LATER = "item", "first page", "500th page"
PLANS = "plans"

Cell = tuple[str, int]
"""The kind of request, and the number of subsidiaries of the organisation."""


@dataclass
class Setup:
    """A database of some size, a service on it, and their requests and transactions."""

    tenants: int
    database: Database
    service: RunningProcess
    requests: dict[Cell, list[CheckedRequest]]
    transactions: dict[Cell, list[Transaction]]


async def measure_growth(bench: Bench, begin: Begin) -> list[Sample]:
    """Measure one client's latency in all databases, over HTTP and in the database, all in each round."""
    samples: list[Sample] = []
    advance = begin(_steps(bench))
    async with AsyncExitStack() as stack:
        setups = []
        for tenants in bench.extent.growth:
            setups.append(await _setup(stack, bench, tenants, samples))
            advance(1, f"{tenants:,} tenants loaded")
        brief = bench.lasting(bench.extent.seconds / SHORTER)
        for number in range(bench.extent.rounds * SHORTER):
            for at in setups[-1].requests:
                for setup in setups:
                    if at in setup.requests:
                        samples += _measure(setup, brief, at, number)
                        advance(1, f"{setup.tenants:,} tenants: {at[0]} in an organisation of {at[1]:,}")
    return samples


def _steps(bench: Bench) -> int:
    in_all, with_giant = len(bench.extent.growth), sum(tenants > GIANT for tenants in bench.extent.growth)
    return in_all + bench.extent.rounds * SHORTER * (2 * in_all + 2 * with_giant)


async def _setup(stack: AsyncExitStack, bench: Bench, tenants: int, samples: list[Sample]) -> Setup:
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
    judge, dialect = Judge(database), SERVICE.dialect
    requests = {
        (ITEM, SMALL): [
            await judge.read_request(dialect, service.port, one, n % SMALL) for n, one in enumerate(callers)
        ],
        (FIRST, SMALL): [await judge.page_request(dialect, service.port, one, LIMIT) for one in callers],
    }
    transactions = {
        (ITEM, SMALL): [proven_read(one, n % SMALL) for n, one in enumerate(callers)],
        (FIRST, SMALL): [proven_page(one, LIMIT) for one in callers],
    }
    for one in giant:
        for what, skip in ((FIRST, 0), (LATER, DEEP)):
            requests[what, GIANT] = [await judge.page_request(dialect, service.port, one, LIMIT, skip)]
            transactions[what, GIANT] = [proven_page(one, LIMIT, skip)]
    return Setup(tenants, database, service, requests, transactions)


def _measure(setup: Setup, bench: Bench, at: Cell, number: int) -> list[Sample]:
    key = {"tenants": setup.tenants, "what": at[0], "organization": at[1]}
    over_http, figures = bench.send(setup.service, setup.requests[at], clients=1)
    url = setup.database.url("tenancy_api", PASSWORD)
    alone, in_database = bench.run(url, setup.transactions[at], connections=1)
    return [
        Sample(MEASURE, number, {**key, "through": "HTTP"}, over_http.responses, over_http.checked, figures),
        Sample(MEASURE, number, {**key, "through": "database"}, alone.responses, alone.checked, in_database),
    ]
