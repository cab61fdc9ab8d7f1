"""`make bench` and `make bench-long`; a single measure: `--only growth`. Only the results are kept."""

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
from benchmarks.load.wrong_response import WrongResponseError
from benchmarks.report.report import write_report
from benchmarks.results import Results
from benchmarks.run import MEASURES, run
from benchmarks.steps import begin

FOLDER = Path(".local/benchmarks")
RESULT = FOLDER / "result.json"
DOCUMENT = Path("docs/reports/performance.md")
FILES = 4_096
"""Limit of open files: each connection needs one."""

console = Console()


def main(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    long: Annotated[bool, typer.Option("--long", help="Measure everything, in about 35 minutes.")] = False,
    only: Annotated[list[str] | None, typer.Option(help=f"Run only this measure: {', '.join(MEASURES)}.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of each window.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Number of rounds.")] = None,
    requests: Annotated[int | None, typer.Option(help="Number of requests of the memory measure.")] = None,
    document: Annotated[Path | None, typer.Option(help="Path of the report.")] = None,
    report: Annotated[Path | None, typer.Option(help="Report this result file without measuring.")] = None,
) -> None:
    """Measure, write the result file and the report; exit code 1 after a wrong response."""
    if unknown := set(only or []) - set(MEASURES):
        raise typer.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(MEASURES)}")
    try:
        if report:
            results = Results.from_json(json.loads(report.read_text(encoding="utf-8")))
        else:
            default = LONG if long else SHORT
            extent = replace(
                default,
                seconds=seconds or default.seconds,
                rounds=rounds or default.rounds,
                requests=requests or default.requests,
            )
            results = Results(extent.name, {})
            FOLDER.mkdir(parents=True, exist_ok=True)
            try:
                _measure(results, extent, only or list(MEASURES))
            finally:  # an interrupted run keeps its samples
                RESULT.write_text(json.dumps(results.to_json(), indent=1), encoding="utf-8")
        # Only a complete long run writes to the repository.
        target = document or (DOCUMENT if results.extent == LONG.name and not only else FOLDER / DOCUMENT.name)
        write_report(results, template=DOCUMENT, target=target)
    except WrongResponseError as error:
        console.print(f"error: {error}", style="red", markup=False)
        sys.exit(1)
    console.print(f"The report is {target}; every window is in {report or RESULT}")


def _measure(results: Results, extent: Extent, only: list[str]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # removes server and databases
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if most == resource.RLIM_INFINITY else min(FILES, most), most))
    with Progress(console=console, transient=True) as progress:
        asyncio.run(run(results, extent, only, lambda measure: partial(begin, progress, measure)))


if __name__ == "__main__":
    typer.run(main)
