"""The tables."""

from collections.abc import Iterable
from typing import Any

from benchmarks.figure import Figure
from benchmarks.measures import comparison, database_alone, fairness, growth, headroom, process
from benchmarks.measures.workload import OPERATIONS
from benchmarks.report.goals import AT_32, cpu_ratio, goals
from benchmarks.results import Results

Rows = list[list[str]]
NAMES = ("service", "textbook", "rowstile", "ceiling", "ceiling in one message", "postgraphile", "postgraphile 5")


def goal_rows(results: Results) -> Rows:
    """The goals with their verdicts."""
    rows = [["goal", "wanted", "found", "", "beside"]]
    for goal in goals(results):
        found = goal.found.text(goal.digits, goal.unit) if goal.found else "-"
        rows.append([goal.text, goal.wanted, found, goal.verdict, goal.beside])
    return rows


def ratio_rows(results: Results) -> Rows:
    """The service relative to each peer, in requests per second and per CPU second."""
    rows = [["operation", *(f"against {name}, {how}" for name in _peers(results) for how in ("rate", "per CPU"))]]
    for operation in OPERATIONS:
        row = [operation]
        for name in _peers(results):
            key = {"operation": operation, **AT_32}
            rate = results.ratio(comparison.MEASURE, "per_second", {"peer": "service"}, {"peer": name}, **key)
            row += [_text(rate, 2, "x"), _text(cpu_ratio(results, name, **key), 2, "x")]
        rows.append(row)
    return rows


def endpoint_rows(results: Results) -> Rows:
    """Every operation of every peer in absolute figures."""
    rows = [["operation", "peer", "requests/s", "p50 ms", "p95 ms", "CPU µs of the peer", "of PostgreSQL"]]
    rows += [
        [operation, name, *_figures(results, peer=name, operation=operation, **AT_32)]
        for operation in OPERATIONS
        for name in ("service", *_peers(results))
    ]
    return rows


def client_rows(results: Results) -> Rows:
    """Other numbers of clients and workers."""
    rows = [["operation", "workers", "clients", "peer", "requests/s", "p50 ms", "p95 ms", "CPU µs", "of PostgreSQL"]]
    keys = {(s.key["operation"], s.key["workers"], s.key["clients"]): None for s in results.of(comparison.MEASURE)}
    for operation, workers, clients in sorted(keys, key=lambda key: (OPERATIONS.index(key[0]), *key[1:])):
        if (workers, clients) != (1, 32):  # those are the endpoints' table
            for name in ("service", *_peers(results)):
                key: dict[str, Any] = {"operation": operation, "workers": workers, "clients": clients}
                rows.append([operation, f"{workers}", f"{clients}", name, *_figures(results, peer=name, **key)])
    return rows


def database_rows(results: Results) -> Rows:
    """The database alone."""
    rows = [
        ["transaction", "context", "transactions/s", "time, plain variable = 1", "PostgreSQL CPU µs", "query p95 ms"]
    ]
    plain = {"context": database_alone.PLAIN}
    for operation in (database_alone.GET, database_alone.PAGE):
        for context in database_alone.ROLES:
            key = {"context": context, "operation": operation}
            ratio = results.ratio(
                database_alone.MEASURE, "per_second", plain, {"context": context}, operation=operation
            )
            figure = (results.figure(database_alone.MEASURE, name, **key) for name in DATABASE_FIGURES)
            rate, cpu, p95 = figure
            rows.append([operation, context, _text(rate), _text(ratio, 2, "x"), _text(cpu), _text(p95, 2)])
    return rows


DATABASE_FIGURES = ("per_second", "postgres_cpu", "query_p95")


def growth_rows(results: Results) -> Rows:
    """Latencies of one client by size."""
    rows = [["tenants", "organisation", "what", "HTTP p50 ms", "HTTP p95 ms", "transaction p50 ms", "query p95 ms"]]
    keys = {(s.key["tenants"], s.key["organization"], s.key["what"]): None for s in results.of(growth.MEASURE)}
    for tenants, organization, what in sorted(keys):
        key = {"tenants": tenants, "organization": organization, "what": what}
        http = [results.figure(growth.MEASURE, name, through="HTTP", **key) for name in ("p50", "p95")]
        alone = [results.figure(growth.MEASURE, name, through="database", **key) for name in ("p50", "query_p95")]
        texts = [_text(figure, 2) for figure in (*http, *alone)]
        rows.append([f"{tenants:,}", f"{organization:,}", what, *texts])
    return rows


def plan_rows(results: Results) -> Rows:
    """The indexes and buffers used at the largest size; a bad plan would have ended the run."""
    largest = max((sample.key["tenants"] for sample in results.of(growth.PLANS)), default=0)
    used = {
        (sample.key["statement"], sample.key["caller"]): f"{sample.key['indexes']}, {sample.key['buffers']}"
        for sample in results.of(growth.PLANS, tenants=largest)
    }
    callers = list(dict.fromkeys(caller for _, caller in used))
    rows = [[f"{largest:,} tenants", *callers]]
    statements = dict.fromkeys(statement for statement, _ in used)
    return rows + [[statement, *(used[statement, caller] for caller in callers)] for statement in statements]


def pool_rows(results: Results) -> Rows:
    """The figures by pool size."""
    rows = [["operation", "connections", "requests/s", "p50 ms", "p95 ms", "CPU µs", "of PostgreSQL"]]
    keys = {(s.key["operation"], s.key["pool_size"]): None for s in results.of(process.POOL)}
    rows += [
        [operation, f"{size}", *_figures(results, process.POOL, operation=operation, pool_size=size)]
        for operation, size in keys
    ]
    return rows


def fairness_rows(results: Results) -> Rows:
    """The neighbour alone and beside the flood, and the flood."""
    rows = [["requests", "requests/s", "p95 ms"]]
    names = {
        fairness.ALONE: f"{fairness.CLIENTS} clients alone",
        fairness.FLOODED: f"{fairness.CLIENTS} clients beside the flood",
        fairness.FLOOD: f"the flood, {fairness.FLOOD_CLIENTS} clients of another organisation",
    }
    for how, name in names.items():
        figures = [results.figure(fairness.MEASURE, figure, how=how) for figure in ("per_second", "p95")]
        if all(figures):
            rows.append([name, _text(figures[0]), _text(figures[1], 1)])
    return rows


def memory_rows(results: Results) -> Rows:
    """About ten samples of resident memory."""
    samples = results.of(process.MEMORY)
    step = max(1, len(samples) // 10)
    rows = [["requests", "resident MiB"]]
    shown = dict.fromkeys([*range(0, len(samples), step), len(samples) - 1] if samples else [])
    rows += [[f"{samples[at].key['requests']:,}", f"{samples[at].figures['resident']:.0f}"] for at in shown]
    return rows


def headroom_rows(results: Results) -> Rows:
    """The generator's rate against the server that does nothing, compared with the fastest peer."""
    rows = [
        ["clients", "requests/s against nothing", "CPU µs of the generator", "fastest peer, requests/s", "headroom"]
    ]
    for clients in sorted({sample.key["clients"] for sample in results.of(headroom.MEASURE)}):
        rate = results.figure(headroom.MEASURE, "per_second", clients=clients)
        cpu = results.figure(headroom.MEASURE, "generator_cpu", clients=clients)
        peers = [results.figure(comparison.MEASURE, "per_second", peer=name, clients=clients) for name in NAMES]
        fastest = max((peer.median for peer in peers if peer), default=0.0)
        times = f"{rate.median / fastest:.1f}x" if rate and fastest else "-"
        rows.append([f"{clients}", _text(rate), _text(cpu), f"{fastest:,.0f}", times])
    return rows


def _figures(results: Results, measure: str = comparison.MEASURE, **key: Any) -> Iterable[str]:
    for name, digits in (("per_second", 0), ("p50", 1), ("p95", 1), ("service_cpu", 0), ("postgres_cpu", 0)):
        yield _text(results.figure(measure, name, **key), digits)


def _peers(results: Results) -> list[str]:
    return [name for name in NAMES[1:] if name not in results.skipped]


def _text(figure: Figure | None, digits: int = 0, unit: str = "") -> str:
    return figure.text(digits, unit) if figure else "-"
