"""The goals, computed from a run's results."""

import os
from typing import Any

from benchmarks.figure import Figure
from benchmarks.measures import comparison, database_alone, fairness, growth, process
from benchmarks.measures.workload import DAY
from benchmarks.report.goal import Goal
from benchmarks.results import Results

TWO_WORKERS_NEED_CORES = 4
POSTGRAPHILE = "PostGraphile, the fastest version"
LEAST: dict[str, dict[str, float]] = {
    "GET by id": {"textbook": 3.5, "ceiling": 0.7, POSTGRAPHILE: 1.1},
    "list of 20": {"textbook": 3.0, "ceiling": 0.65, POSTGRAPHILE: 1.3},
    "POST": {POSTGRAPHILE: 1.0},
    "PUT": {POSTGRAPHILE: 1.0},
    "DELETE": {POSTGRAPHILE: 1.0},
    DAY: {"textbook": 3.0, POSTGRAPHILE: 1.1},
}
"""Requests a second of the service, relative to a peer's."""
MOST_POSTGRES_CPU = {"GET by id": 200, "PUT": 700}
"""In microseconds."""
AT_32: dict[str, Any] = {"workers": 1, "clients": 32}
PROVEN, PLAIN = {"context": database_alone.PROVEN}, {"context": database_alone.PLAIN}
HTTP, IN_DATABASE = {"through": "HTTP"}, {"through": "database"}


def goals(results: Results) -> list[Goal]:
    """Return every goal with its figure."""
    return [
        *_against_peers(results),
        *_in_the_database(results),
        *_cpu_of_postgresql(results),
        _two_workers(results),
        *_growth(results),
        Goal(
            "p95 of GET by id at 100 clients, one worker",
            results.figure(comparison.MEASURE, "p95", peer="service", operation="GET by id", workers=1, clients=100),
            at_most=50,
            unit=" ms",
            digits=1,
            beside=_p95_of_two(results),
        ),
        Goal(
            "p95 of the mixed bank day at 100 clients, one worker (as first asked of the service)",
            results.figure(comparison.MEASURE, "p95", peer="service", operation="bank day", workers=1, clients=100),
            at_most=200,
            unit=" ms",
            digits=0,
        ),
        Goal(
            "p95 of GET by id, five clients beside 300 of another organisation against five alone, one worker",
            results.ratio(fairness.MEASURE, "p95", {"how": fairness.FLOODED}, {"how": fairness.ALONE}),
            at_most=2,
            unit="x",
        ),
        _memory(results),
        Goal(
            "cold start to the first healthy response",
            results.figure(process.START, "seconds"),
            at_most=2,
            unit=" s",
        ),
    ]


def cpu_ratio(results: Results, peer: str, **key: Any) -> Figure | None:
    """Return a peer's CPU per request, including PostgreSQL's, relative to the service's."""
    ratios = []
    for one in results.of(comparison.MEASURE, peer="service", **key):
        for other in results.of(comparison.MEASURE, peer=peer, **key):
            if one.round == other.round:
                ours, theirs = (s.figures["service_cpu"] + s.figures["postgres_cpu"] for s in (one, other))
                ratios.append(theirs / ours)
    return Figure(ratios) if ratios else None


def _against_peers(results: Results) -> list[Goal]:
    made = []
    for operation, peers in LEAST.items():
        for name, least in peers.items():
            key = {"operation": operation, **AT_32}
            peer = _fastest_postgraphile(results, **key) if name == POSTGRAPHILE else name
            cpu = cpu_ratio(results, peer, **key)
            made.append(
                Goal(
                    f"{operation}, requests a second against {name}",
                    results.ratio(comparison.MEASURE, "per_second", {"peer": "service"}, {"peer": peer}, **key),
                    at_least=least,
                    unit="x",
                    beside=f"for each CPU second {cpu.text(2, 'x')}" if cpu else "",
                )
            )
    return made


def _fastest_postgraphile(results: Results, **key: Any) -> str:
    rates = {
        peer: rate.median
        for peer in {sample.key["peer"] for sample in results.of(comparison.MEASURE, **key)}
        if peer.startswith("postgraphile")
        and (rate := results.figure(comparison.MEASURE, "per_second", peer=peer, **key))
    }
    return max(rates, key=lambda peer: rates[peer], default="postgraphile")


def _cpu_of_postgresql(results: Results) -> list[Goal]:
    return [
        Goal(
            f"PostgreSQL's CPU for a {operation}",
            results.figure(comparison.MEASURE, "postgres_cpu", peer="service", operation=operation, **AT_32),
            at_most=most,
            unit=" µs",
            digits=0,
        )
        for operation, most in MOST_POSTGRES_CPU.items()
    ]


def _in_the_database(results: Results) -> list[Goal]:
    made = []
    operations = (database_alone.GET, database_alone.PAGE)
    for operation in operations:
        key = {"operation": operation}
        cpu = results.ratio(database_alone.MEASURE, "postgres_cpu", PROVEN, PLAIN, **key)
        made.append(
            Goal(
                f"{operation}, time in the database as the service sends it, against a plain variable in a transaction",
                results.ratio(database_alone.MEASURE, "per_second", PLAIN, PROVEN, **key),
                at_most=1,
                unit="x",
                beside=f"PostgreSQL's CPU {cpu.text(2, 'x')}" if cpu else "",
            )
        )
    made += [
        Goal(
            f"p95 of the statement itself, {operation}, {database_alone.CONNECTIONS} connections",
            results.figure(database_alone.MEASURE, "query_p95", **PROVEN, operation=operation),
            at_most=5,
            unit=" ms",
        )
        for operation in operations
    ]
    return made


def _two_workers(results: Results) -> Goal:
    key = {"peer": "service", "operation": "GET by id", "clients": 100}
    one, two = {"workers": 1}, {"workers": 2}
    rate = results.ratio(comparison.MEASURE, "per_second", two, one, **key)
    if int(results.machine.get("cores", os.cpu_count() or 1)) >= TWO_WORKERS_NEED_CORES:
        return Goal("two workers against one, requests a second", rate, at_least=1.8, unit="x")
    # Generator, PostgreSQL and workers share the cores, so only the cost of a request can be compared.
    return Goal(
        "two workers against one, requests for each CPU second of the service (too few cores for more)",
        results.ratio(comparison.MEASURE, "service_cpu", one, two, **key),
        at_least=0.9,
        unit="x",
        beside=f"requests a second {rate.text(2, 'x')}" if rate else "",
    )


def _growth(results: Results) -> list[Goal]:
    sizes = sorted({sample.key["tenants"] for sample in results.of(growth.MEASURE)})
    smallest, largest = {"tenants": (sizes or [0])[0]}, {"tenants": (sizes or [0])[-1]}
    small, giant = {"organization": growth.SMALL}, {"organization": growth.GIANT}
    made = []
    for what in (growth.ITEM, growth.FIRST):
        key = {"what": what, **small}
        text = f"latency of {'an item' if what == growth.ITEM else 'a page'}, {largest['tenants']:,} tenants"
        made.append(_latency(results, f"{text} against {smallest['tenants']:,}", 1.3, (largest, smallest), key))
    for what in (growth.FIRST, growth.LATER):
        text = f"latency of the {what} in an organisation of {growth.GIANT:,} against a page in one of {growth.SMALL}"
        over, under = {**giant, "what": what}, {**small, "what": growth.FIRST}
        made.append(_latency(results, text, 1.5, (over, under), largest))
    return made


def _latency(
    results: Results, text: str, most: float, pair: tuple[dict[str, Any], dict[str, Any]], key: dict[str, Any]
) -> Goal:
    over, under = pair
    alone = results.ratio(growth.MEASURE, "p50", over, under, **{**key, **IN_DATABASE})
    found = results.ratio(growth.MEASURE, "p50", over, under, **{**key, **HTTP})
    beside = f"in the database alone {alone.text(2, 'x')}" if alone else ""
    return Goal(text, found, at_most=most, unit="x", beside=beside)


def _memory(results: Results) -> Goal:
    last = results.of(process.MEMORY)[-1:]
    requests = last[0].key["requests"] if last else 0
    found = Figure([last[0].figures["resident"]]) if last else None
    text = f"resident memory of one worker after {requests:,} requests"
    return Goal(text, found, at_most=120, unit=" MiB", digits=0)


def _p95_of_two(results: Results) -> str:
    key = {"peer": "service", "operation": "GET by id", "workers": 2, "clients": 100}
    found = results.figure(comparison.MEASURE, "p95", **key)
    return f"two workers {found.text(1, ' ms')}" if found else ""
