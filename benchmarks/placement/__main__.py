"""`make placement`: simulates in about two minutes, and writes docs/reports/placement.md."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.placement import report
from benchmarks.placement.choices import CHOICES
from benchmarks.placement.population import Population
from benchmarks.placement.scenario import Scenario
from benchmarks.placement.simulation import BOUNDS, outcomes
from benchmarks.report.markdown import as_markdown, fill_section

DOCUMENT = Path("docs/reports/placement.md")
SCENARIOS = {
    "heavy tail": Scenario(tail=0.8),
    "heavier tail": Scenario(tail=1.0),
    "fast growth": Scenario(tail=0.8, joining=0.005, leaving=0.002, growth=0.005),
}

console = Console()


def main(
    organizations: Annotated[int, typer.Option(help="Number of organisations.")] = Scenario.organizations,
    document: Annotated[Path, typer.Option(help="Path of the report; its text comes from the present one.")] = DOCUMENT,
) -> None:
    """Simulate all scenarios and write the report."""
    text = DOCUMENT.read_text(encoding="utf-8")
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("placement", total=len(SCENARIOS) * len(CHOICES) * len(BOUNDS))
        for name, usual in SCENARIOS.items():
            scenario = replace(usual, organizations=organizations)
            population = Population(scenario)
            found = []
            for choice in CHOICES:
                for outcome in outcomes(scenario, population, choice):
                    found.append(outcome)
                    progress.update(task, advance=1, description=f"{name}: {choice}")
            for part, content in {
                name: report.describe(scenario, population),
                f"{name}, balance": as_markdown(report.balance_rows(found)),
                f"{name}, added servers": as_markdown(report.addition_rows(found)),
                "hashes": report.describe_addition(scenario),
            }.items():
                text = fill_section(text, part, content)
                console.print(f"{part}\n{content}\n", markup=False, highlight=False, soft_wrap=True)
    document.write_text(text, encoding="utf-8")
    console.print(f"The report is {document}")


if __name__ == "__main__":
    typer.run(main)
