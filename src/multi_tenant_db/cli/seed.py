"""`mtdb seed`."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.operator_session import operator_engine, platform_session
from multi_tenant_db.cli.server_choice import chosen_servers
from multi_tenant_db.cli.server_results import on_each_server
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.services.seed_service import SeedService, read_sample_data, spread
from multi_tenant_db.settings import Settings

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

    Generated tenants are added in one transaction, all or none; each has its event in the audit trail. Several
    servers get whole organisations in turn, in a transaction each; a group that is on one of them stays there.
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
    """Add what is missing; return how many tenants of the sample data were added."""
    servers = chosen_servers(None)
    homes = await _homes(groups, servers)
    console = Console()
    with Progress(console=console, transient=True, disable=not console.is_terminal or not generated) as progress:
        task = progress.add_task("generated tenants", total=generated)
        shares = dict(zip(servers, spread(generated, len(servers)), strict=True))
        results = await on_each_server(
            {
                label: partial(_add, settings, homes[label], shares[label], partial(progress.advance, task))
                for label, settings in servers.items()
            },
            lambda add: add(),
        )
    results.end()
    return sum(results.of_server.values())


async def _add(settings: Settings, groups: list[dict[str, Any]], generated: int, advance: Callable[[int], None]) -> int:
    """Add the groups and generated tenants to one server; return how many tenants of the groups were missing."""
    async with (
        operator_engine(settings) as engine,
        platform_session(engine, "seed", TOKEN_LIFETIME, may_write=True) as session,
    ):
        service = SeedService(TenantRepository(session))
        added = await service.seed(groups)
        await service.add_generated(generated, advance)
        return added


async def _homes(groups: list[dict[str, Any]], servers: dict[str, Settings]) -> dict[str, list[dict[str, Any]]]:
    """Return the groups of each server: a group stays where it is, new ones go to the servers in turn.

    Every server must be available: a group may be on any of them.
    """
    labels = [*servers]
    found: dict[str, set[str]] = {}
    if len(servers) > 1:
        lookup = await on_each_server(servers, partial(_present, [group["name"] for group in groups]))
        lookup.end()
        found = lookup.of_server
    homes: dict[str, list[dict[str, Any]]] = {label: [] for label in labels}
    for number, group in enumerate(groups):
        here = (label for label, names in found.items() if group["name"] in names)
        homes[next(here, labels[number % len(labels)])].append(group)
    return homes


async def _present(names: list[str], settings: Settings) -> set[str]:
    async with operator_engine(settings) as engine, platform_session(engine, "seed") as session:
        return await SeedService(TenantRepository(session)).present(names)
