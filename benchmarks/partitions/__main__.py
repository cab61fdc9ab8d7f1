"""`make partitions`: writes docs/reports/partitions.md, in about a minute."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.data.database import Database
from benchmarks.data.server import running_server
from benchmarks.machine import describe_machine
from benchmarks.partitions import report
from benchmarks.partitions.answer import Answer
from benchmarks.partitions.measure import ask
from benchmarks.partitions.partitioned_table import add_partitioned_copy
from benchmarks.report.markdown import as_markdown, fill_section

DOCUMENT = Path("docs/reports/partitions.md")
PARTITIONS = (0, 16, 64)
SUBSIDIARIES = 10

console = Console()


def main(
    organizations: Annotated[int, typer.Option(help="Number of organisations, each of eleven tenants.")] = 20_000,
    document: Annotated[Path, typer.Option(help="Path of the report; its text comes from the present one.")] = DOCUMENT,
) -> None:
    """Measure on a temporary server, and write the report."""
    text = DOCUMENT.read_text(encoding="utf-8")
    machine, answers = asyncio.run(_run(organizations))
    table = as_markdown(report.rows(answers))
    console.print(f"{machine}\n\n{table}", markup=False, highlight=False, soft_wrap=True)
    document.write_text(fill_section(fill_section(text, "machine", machine), "costs", table), encoding="utf-8")
    console.print(f"The report is {document}")


async def _run(organizations: int) -> tuple[str, list[Answer]]:
    with running_server() as server:
        async with Database(server, "partitions") as database:
            parents = await database.add_organizations(organizations, SUBSIDIARIES)
            [caller] = await database.callers(parents[:1])
            answers = []
            for partitions in PARTITIONS:
                table = await add_partitioned_copy(database.admin, partitions)
                answers += await ask(database, caller, partitions, table)
            machine = await describe_machine(server)
    described = (
        f"{organizations * (SUBSIDIARIES + 1):,} tenants in {organizations:,} organisations, on {machine['date']}: "
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory']}; PostgreSQL {machine['postgresql']}."
    )
    return described, answers


if __name__ == "__main__":
    typer.run(main)
