"""`mtdb seed`."""

import asyncio
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.operator_session import operator_engine, platform_session
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.services.seed_service import SeedService, read_sample_data

MOST_MADE_UP = 1_000_000
LONGEST_SEEDING = timedelta(hours=1)
"""So many are added in one transaction, on a token that must live as long."""


app = typer.Typer(add_completion=False)


@app.command()
def seed(
    made_up: Annotated[
        int,
        typer.Option(
            "--tenants",
            min=0,
            max=MOST_MADE_UP,
            help="Also add so many made-up tenants, in organisations of ten; each run adds as many again.",
        ),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Add the bank story: HSBC, Barclays and more, with their subsidiaries. Running it again adds nothing.

    With --tenants, volume for trials of one's own, added whole or not at all; each leaves its event in the audit trail.
    """
    groups = read_sample_data()
    added = asyncio.run(_seed(groups, made_up))
    tenants = sum(1 + len(group["subsidiaries"]) for group in groups)
    if as_json:
        print_json({"groups": len(groups), "tenants": tenants, "added": added, "made_up": made_up})
        return
    typer.echo(f"the bank story has {len(groups)} groups with {tenants} tenants; {added} were added")
    if made_up:
        typer.echo(f"{made_up:,} made-up tenants were added besides")


async def _seed(groups: list[dict[str, Any]], made_up: int) -> int:
    async with operator_engine() as engine, platform_session(engine, "seed", LONGEST_SEEDING) as session:
        service = SeedService(TenantRepository(session))
        added = await service.seed(groups)
        if made_up:
            console = Console()
            with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
                task = progress.add_task("made-up tenants", total=made_up)
                await service.add_made_up(made_up, lambda count: progress.advance(task, count))
        return added
