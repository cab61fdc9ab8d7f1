"""What `mtdb tenant show` prints."""

from typing import Any

import typer

from multi_tenant_db.cli.operator_session import operator_engine, platform_session
from multi_tenant_db.cli.printed_table import minute
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.models import TenantEvent, TenantRow
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.repositories.tenant_overview_repository import TenantOverviewRepository
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.settings import Settings


async def read_summary(tenant: TenantRow, settings: Settings) -> dict[str, Any]:
    """Return the fields for scripts, without the server."""
    async with operator_engine(settings) as engine:
        async with transaction(engine) as session:
            tokens = await TenantOverviewRepository(session).count_tokens(tenant.tenant_id)
        async with platform_session(engine, "tenant show") as session:
            overview = TenantOverviewRepository(session)
            is_parent = tenant.parent_tenant_id is None
            subsidiaries = await overview.count_subsidiaries(tenant) if is_parent else None
            parents = await TenantRepository(session).find_names({tenant.organization_id})
            event = await overview.find_last_event(tenant)
    return describe(tenant) | {
        "parent": None if is_parent else parents.get(tenant.organization_id),
        "subsidiaries": subsidiaries,
        "valid_tokens": tokens,
        "last_event": None if event is None else _describe_event(event),
    }


def describe(tenant: TenantRow) -> dict[str, Any]:
    """Return a tenant's columns for scripts."""
    return {name.removesuffix("_"): value for name, value in tenant._asdict().items()}


def _describe_event(event: TenantEvent) -> dict[str, Any]:
    return {
        "event_type": event.event_type,
        "table_name": event.table_name,
        "occurred_at": event.occurred_at,
        "by": event.token_label or event.database_role,
    }


def print_summary(summary: dict[str, Any]) -> None:
    """Print one line for each field."""
    lines = {
        "name": summary["name"],
        "tenant_id": summary["tenant_id"],
        "type": summary["tenant_type"],
    }
    if summary["parent_tenant_id"] is None:
        lines["subsidiaries"] = f"{summary['subsidiaries']:,}"
    else:
        lines["parent"] = f"{summary['parent']} ({summary['parent_tenant_id']})"
    if "server" in summary:
        lines["server"] = summary["server"]
    lines["version"] = f"{summary['version']}, of {minute(summary['updated_at'])}"
    lines["created_at"] = minute(summary["created_at"])
    lines["valid tokens"] = f"{summary['valid_tokens']:,}"
    if (event := summary["last_event"]) is not None:
        what = f"{event['event_type']} in {event['table_name']}"
        lines["last change"] = f"{what}, {minute(event['occurred_at'])}, by {event['by']}"
    for name, value in lines.items():
        typer.echo(printable(f"{name + ':':14}{value}"))
