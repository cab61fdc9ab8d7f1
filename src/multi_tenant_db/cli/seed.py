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

MAX_GENERATED = 1_000_000
TOKEN_LIFETIME = timedelta(hours=1)
"""MAX_GENERATED tenants are added in one transaction; its token must not expire before the end."""


app = typer.Typer(add_completion=False)


@app.command()
def seed(
    generated: Annotated[
        int,
        typer.Option(
            "--tenants",
            min=0,
            max=MAX_GENERATED,
            help="Also add this many generated tenants, in organisations of ten; each run adds as many again.",
        ),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Add the sample data: HSBC, Barclays and more, with their subsidiaries. Running it again adds nothing.

    Generated tenants are added in one transaction, all or none; each has its event in the audit trail.
    """
    groups = read_sample_data()
    added = asyncio.run(_seed(groups, generated))
    tenants = sum(1 + len(group["subsidiaries"]) for group in groups)
    if as_json:
        print_json({"groups": len(groups), "tenants": tenants, "added": added, "generated": generated})
        return
    typer.echo(f"the sample data has {len(groups)} groups with {tenants} tenants; {added} were added")
    if generated:
        typer.echo(f"{generated:,} generated tenants were added, too")


async def _seed(groups: list[dict[str, Any]], generated: int) -> int:
    async with operator_engine() as engine, platform_session(engine, "seed", TOKEN_LIFETIME) as session:
        service = SeedService(TenantRepository(session))
        added = await service.seed(groups)
        if generated:
            console = Console()
            with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
                task = progress.add_task("generated tenants", total=generated)
                await service.add_generated(generated, lambda count: progress.advance(task, count))
        return added
