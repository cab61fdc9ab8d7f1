"""The plots, as SVG."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.measures import comparison, growth, process
from benchmarks.measures.workload import OPERATIONS
from benchmarks.report.goals import AT_32
from benchmarks.report.tables import NAMES
from benchmarks.results import Results

PLOTS = {
    "cpu": "CPU time of a request",
    "growth": "Latency by number of tenants",
    "memory": "Resident memory",
    "pool": "Requests a second by size of the pool",
}
COLOURS = {
    "service": "#1f5fbf",
    "textbook": "#b8860b",
    "rowstile": "#2e8b57",
    "ceiling": "#777777",
    "ceiling in one message": "#aaaaaa",
    "postgraphile": "#a03070",
    "postgraphile 5": "#d070a0",
}


def write_plots(results: Results, folder: Path) -> list[str]:
    """Write the plots of the measured figures; return their names. Only this function needs matplotlib."""
    import matplotlib as mpl  # noqa: PLC0415 - may be missing

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "bench", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    from matplotlib import pyplot as plt  # noqa: PLC0415 - the backend is chosen first

    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, draw in {"cpu": _cpu, "growth": _growth, "memory": _memory, "pool": _pool}.items():
        figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
        if draw(results, axes):
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
            drawn.append(name)
        plt.close(figure)
    return drawn


def _cpu(results: Results, axes: Any) -> bool:
    """CPU of each operation: the peer's, with PostgreSQL's above it."""
    width = 0.8 / len(NAMES)
    for number, name in enumerate(NAMES):
        for place, operation in enumerate(OPERATIONS):
            key = {"peer": name, "operation": operation, **AT_32}
            own = results.figure(comparison.MEASURE, "service_cpu", **key)
            database = results.figure(comparison.MEASURE, "postgres_cpu", **key)
            if own is None or database is None:
                continue
            at = place + (number - (len(NAMES) - 1) / 2) * width
            axes.bar(at, own.median, width, color=COLOURS[name], label=name if place == 0 else None)
            axes.bar(at, database.median, width, bottom=own.median, color=COLOURS[name], alpha=0.35)
    axes.set_xticks(range(len(OPERATIONS)), OPERATIONS)
    axes.set_ylabel("CPU for each request, µs\n(pale: PostgreSQL's)")
    return _with_legend(axes)


def _growth(results: Results, axes: Any) -> bool:
    """Latency by number of tenants."""
    sizes = sorted({sample.key["tenants"] for sample in results.of(growth.MEASURE)})
    for key in (
        (growth.ITEM, growth.SMALL),
        (growth.FIRST, growth.SMALL),
        (growth.FIRST, growth.GIANT),
        (growth.LATER, growth.GIANT),
    ):
        what, organization = key
        figures = {
            size: results.figure(
                growth.MEASURE, "p50", tenants=size, what=what, organization=organization, through="HTTP"
            )
            for size in sizes
        }
        _line(axes, figures, f"{what}, organisation of {organization:,}")
    axes.set(xscale="log", ylim=(0, None), xlabel="tenants", ylabel="latency over HTTP, median, ms")
    return _with_legend(axes)


def _memory(results: Results, axes: Any) -> bool:
    """Resident memory by requests."""
    samples = results.of(process.MEMORY)
    axes.plot([s.key["requests"] for s in samples], [s.figures["resident"] for s in samples], color=COLOURS["service"])
    axes.set(ylim=(0, None), xlabel="requests", ylabel="resident memory of the worker, MiB")
    return bool(samples)


def _pool(results: Results, axes: Any) -> bool:
    """Throughput by size of the pool."""
    sizes = sorted({sample.key["pool_size"] for sample in results.of(process.POOL)})
    for operation in dict.fromkeys(sample.key["operation"] for sample in results.of(process.POOL)):
        figures = {
            size: results.figure(process.POOL, "per_second", pool_size=size, operation=operation) for size in sizes
        }
        _line(axes, figures, operation)
    axes.set(ylim=(0, None), xlabel="connections in the pool", ylabel="requests a second")
    return _with_legend(axes)


def _line(axes: Any, figures: dict[int, Figure | None], label: str) -> None:
    there = {place: figure for place, figure in figures.items() if figure}
    if there:
        medians = [figure.median for figure in there.values()]
        spread = list(zip(*_spread(there.values()), strict=True))
        axes.errorbar(list(there), medians, yerr=spread, marker="o", capsize=3, label=label)


def _spread(figures: Iterable[Figure]) -> list[tuple[float, float]]:
    return [(figure.median - min(figure.values), max(figure.values) - figure.median) for figure in figures]


def _with_legend(axes: Any) -> bool:
    if handles := axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    return bool(handles)
