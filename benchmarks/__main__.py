"""`make bench` and `make bench-long`; one measure alone: `--only growth`. Nothing is left behind but the results."""

import asyncio
import json
import resource
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.extent import LONG, SHORT, Extent
from benchmarks.load.wrong_answer import WrongAnswerError
from benchmarks.report.report import write_report
from benchmarks.results import Results
from benchmarks.run import MEASURES, run
from benchmarks.steps import begin

FOLDER = Path(".local/benchmarks")
RESULT = FOLDER / "result.json"
DOCUMENT = Path("docs/reports/performance.md")
FILES = 4_096
"""Hundreds of connections are as many open files."""

console = Console()


def main(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    long: Annotated[bool, typer.Option("--long", help="Measure everything, in about 35 minutes.")] = False,
    only: Annotated[list[str] | None, typer.Option(help=f"Measure this alone: {', '.join(MEASURES)}.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of each window.")] = None,
    rounds: Annotated[int | None, typer.Option(help="How often everything is measured.")] = None,
    requests: Annotated[int | None, typer.Option(help="Requests after which memory is judged.")] = None,
    document: Annotated[Path | None, typer.Option(help="Where the report goes.")] = None,
    report: Annotated[Path | None, typer.Option(help="Measure nothing: report this result file.")] = None,
) -> None:
    """Measure, write the result file and the report; exit code 1 if an answer was wrong."""
    if unknown := set(only or []) - set(MEASURES):
        raise typer.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(MEASURES)}")
    try:
        if report:
            results = Results.from_json(json.loads(report.read_text(encoding="utf-8")))
        else:
            usual = LONG if long else SHORT
            extent = replace(
                usual,
                seconds=seconds or usual.seconds,
                rounds=rounds or usual.rounds,
                requests=requests or usual.requests,
            )
            results = Results(extent.name, {})
            FOLDER.mkdir(parents=True, exist_ok=True)
            try:
                _measure(results, extent, only or list(MEASURES))
            finally:  # an interrupted run keeps what it has measured
                RESULT.write_text(json.dumps(results.to_json(), indent=1), encoding="utf-8")
        # Only a whole long run writes into the repository.
        target = document or (DOCUMENT if results.extent == LONG.name and not only else FOLDER / DOCUMENT.name)
        write_report(results, template=DOCUMENT, target=target)
    except WrongAnswerError as error:
        console.print(f"error: {error}", style="red", markup=False)
        sys.exit(1)
    console.print(f"The report is {target}; every window is in {report or RESULT}")


def _measure(results: Results, extent: Extent, only: list[str]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and everything is taken away
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if most == resource.RLIM_INFINITY else min(FILES, most), most))
    with Progress(console=console, transient=True) as progress:
        asyncio.run(run(results, extent, only, lambda measure: partial(begin, progress, measure)))


if __name__ == "__main__":
    typer.run(main)
