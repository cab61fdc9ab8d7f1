"""`mtdb seed`."""

import asyncio

import typer

from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.operator_session import operator_engine, platform_session
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.services.seed_service import SeedService, read_bank_story


def seed(as_json: AsJson = False) -> None:
    """Add the bank story: HSBC, Barclays and more, with their subsidiaries. Running it again adds nothing."""
    groups = read_bank_story()
    added = asyncio.run(_seed(groups))
    tenants = sum(1 + len(group["subsidiaries"]) for group in groups)
    if as_json:
        print_json({"groups": len(groups), "tenants": tenants, "added": added})
        return
    typer.echo(f"the bank story has {len(groups)} groups with {tenants} tenants; {added} were added")


async def _seed(groups: list[dict[str, object]]) -> int:
    async with operator_engine() as engine, platform_session(engine, "seed") as session:
        return await SeedService(TenantRepository(session)).seed(groups)
