"""Replaces the text between the markers of the document."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.report import tables
from benchmarks.report.markdown import as_markdown, fill_section
from benchmarks.report.plots import PLOTS, write_plots
from benchmarks.results import Results

TABLES = {
    "goals": tables.goal_rows,
    "ratios": tables.ratio_rows,
    "endpoints": tables.endpoint_rows,
    "clients": tables.client_rows,
    "database": tables.database_rows,
    "growth": tables.growth_rows,
    "plans": tables.plan_rows,
    "pool": tables.pool_rows,
    "fairness": tables.fairness_rows,
    "memory": tables.memory_rows,
    "headroom": tables.headroom_rows,
}


def write_report(results: Results, *, template: Path, target: Path) -> None:
    """Write the document and its plots; raises WrongResponseError for unchecked responses."""
    results.require_checks()
    drawn = write_plots(results, target.parent / target.stem)
    plots = {name: f"![{PLOTS[name]}]({target.stem}/{name}.svg)" for name in drawn}
    target.write_text(fill(template.read_text(encoding="utf-8"), results, plots), encoding="utf-8")


def fill(text: str, results: Results, plots: Mapping[str, str]) -> str:
    """Return the document with new text between its markers."""
    text = fill_section(text, "machine", describe(results))
    for name, rows in TABLES.items():
        table = rows(results)
        text = fill_section(text, name, as_markdown(table) if len(table) > 1 else "Not measured in this run.")
    for name in PLOTS:
        text = fill_section(text, f"plot of {name}", plots.get(name, ""))
    return text


def describe(results: Results) -> str:
    """Describe the machine, the date and the extent of the run."""
    machine = results.machine
    responses = sum(sample.responses for sample in results.samples)
    skipped = "".join(f" Left out: {peer} ({reason})." for peer, reason in results.skipped.items())
    return (
        f"A {results.extent} run on {machine['date']}: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory']}, {machine['system']}; Python {machine['python']}, PostgreSQL {machine['postgresql']} "
        f"({machine['settings']}). {responses:,} responses, every one checked.{skipped}"
    )
