"""`mtdb audit`."""

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated
from uuid import UUID

import typer

from multi_tenant_db.cli.as_json import print_json
from multi_tenant_db.cli.audit_group import AuditGroup
from multi_tenant_db.cli.audit_purge import purge
from multi_tenant_db.cli.operator_session import operator_engine, platform_session
from multi_tenant_db.cli.printed_table import minute, print_table
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import on_each_server
from multi_tenant_db.models import TenantEvent
from multi_tenant_db.repositories.tenant_event_repository import TenantEventRepository
from multi_tenant_db.settings import Settings

app = typer.Typer(
    cls=AuditGroup,
    help="Show the audit trail: who changed what, and when; or purge old events.",
    add_completion=False,
)
app.command()(purge)


@app.command()
def show(
    tenant_id: Annotated[UUID | None, typer.Argument(help="Show only this tenant, also a deleted one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of events, newest first.")] = 50,
    server: ServerLabel = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts, one event per line.")] = False,
) -> None:
    """Show the audit trail: who changed what, and when."""
    servers = chosen_servers(server)
    results = asyncio.run(on_each_server(servers, partial(_read, limit, tenant_id)))
    results.require_any()
    events = [(label, event) for label, events in results.of_server.items() for event in events]
    events = sorted(events, key=lambda labelled: labelled[1].event_id, reverse=True)[:limit]
    several = len(servers) > 1
    if as_json:
        for label, event in events:
            print_json(_describe(event) | ({"server": label} if several else {}), indent=None)
    else:
        columns = {
            "occurred_at; server" if several else "occurred_at": 19 if several else 16,
            "event, by, tenant; tenant_id; request_id": None,
        }
        print_table(columns, ([*_cells(event, label if several else None)] for label, event in events))
    results.end()


def _cells(event: TenantEvent, server: str | None) -> Iterator[str | tuple[str, ...]]:
    values = event.new_values or event.old_values or {}
    what = event.event_type if event.table_name == "tenants" else f"{event.event_type} in {event.table_name}"
    by = event.token_label or event.database_role
    if event.operator_label and event.operator_token_id != event.token_id:
        by = f"{by} for {event.operator_label}"
    first = f"{what}, {by}, {values.get('name', values.get('label', ''))}"
    yield (minute(event.occurred_at), server) if server else minute(event.occurred_at)
    yield first, str(event.tenant_id), event.request_id or ""


async def _read(limit: int, tenant_id: UUID | None, settings: Settings) -> Sequence[TenantEvent]:
    async with operator_engine(settings) as engine, platform_session(engine, "audit") as session:
        return await TenantEventRepository(session).list_latest(limit=limit, tenant_id=tenant_id)


def _describe(event: TenantEvent) -> dict[str, object]:
    return {column.key: getattr(event, column.key) for column in TenantEvent.__table__.columns}
