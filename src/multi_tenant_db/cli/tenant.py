"""`mtdb tenant`."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated
from uuid import UUID

import typer

from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.label import is_storable
from multi_tenant_db.cli.operator_session import operator_engine, platform_session
from multi_tenant_db.cli.printed_table import minute, print_table
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import on_each_server
from multi_tenant_db.cli.tenant_erase import erase_tenant
from multi_tenant_db.cli.tenant_export import export_tenant
from multi_tenant_db.cli.tenant_import import import_tenant
from multi_tenant_db.cli.tenant_lookup import as_id, find_tenant
from multi_tenant_db.cli.tenant_summary import describe, print_summary, read_summary
from multi_tenant_db.models import TenantRow, TenantType
from multi_tenant_db.models.page_cursor import PageCursor
from multi_tenant_db.repositories.tenant_overview_repository import TenantOverviewRepository
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.settings import Settings

app = typer.Typer(
    help="List, show, export, import and erase tenants and organisations.", no_args_is_help=True, add_completion=False
)


def _parse_cursor(text: str | None) -> PageCursor | None:
    try:
        return None if text is None else PageCursor.decode(text)
    except ValueError:
        raise typer.BadParameter("not a cursor that an earlier page ended with") from None


@app.command("list")
def list_tenants(  # noqa: PLR0913, PLR0917 - each is an option
    organization: Annotated[str | None, typer.Option(help="Only this organisation: name or id of a parent.")] = None,
    tenant_type: Annotated[TenantType | None, typer.Option("--type", help="Only tenants of this type.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of tenants.")] = 100,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Go on where an earlier page ended; it names the cursor.")
    ] = None,
    server: ServerLabel = None,
    as_json: AsJson = False,
) -> None:
    """List tenants, an organisation's parent before its subsidiaries, page by page."""
    position = _parse_cursor(after)
    servers = chosen_servers(server)
    several = len(servers) > 1
    results = asyncio.run(on_each_server(servers, partial(_read_page, organization, tenant_type, limit + 1, position)))
    results.require_any()
    found = [(label, tenant) for label, tenants in results.of_server.items() for tenant in tenants]
    found.sort(key=lambda labelled: (labelled[1].organization_id, labelled[1].tenant_id, labelled[0]))
    page, is_last = found[:limit], len(found) <= limit
    cursor = None if is_last else PageCursor(page[-1][1].organization_id, page[-1][1].tenant_id).encode()
    if as_json:
        items = [describe(tenant) | ({"server": label} if several else {}) for label, tenant in page]
        print_json({"items": items, "next_cursor": cursor})
    else:
        type_ = "type; server" if several else "type"
        columns = {"tenant_id; name": 36, type_: 12 if several else 10, "version": 7, "updated_at": 16}
        print_table(columns, ([*_cells(tenant, label if several else None)] for label, tenant in page))
        if cursor is not None:
            typer.echo(f"more tenants follow: --after {cursor}", err=True)
    results.end()


@app.command()
def show(
    tenant: Annotated[str, typer.Argument(help="Name or id, on any server.")],
    server: ServerLabel = None,
    as_json: AsJson = False,
) -> None:
    """Show a tenant, its parent or the number of its subsidiaries, of its valid tokens, and its last change."""
    asyncio.run(_show(chosen_servers(server), tenant, as_json=as_json))


app.command("export")(export_tenant)
app.command("import")(import_tenant)
app.command("erase")(erase_tenant)


async def _read_page(
    organization: str | None,
    tenant_type: TenantType | None,
    limit: int,
    after: PageCursor | None,
    settings: Settings,
) -> Sequence[TenantRow]:
    async with operator_engine(settings) as engine, platform_session(engine, "tenant list") as session:
        organization_ids = None
        if organization is not None:
            organization_ids = await _find_organizations(TenantRepository(session), organization)
        return await TenantOverviewRepository(session).list_page(
            limit=limit, after=after, tenant_type=tenant_type, organization_ids=organization_ids
        )


async def _find_organizations(tenants: TenantRepository, name_or_id: str) -> list[UUID]:
    if (organization_id := as_id(name_or_id)) is not None:
        return [organization_id]
    found = await tenants.find_by_name(name_or_id) if is_storable(name_or_id) else []
    return [tenant.tenant_id for tenant in found if tenant.parent_tenant_id is None]


def _cells(tenant: TenantRow, server: str | None) -> Iterator[str | tuple[str, ...]]:
    yield str(tenant.tenant_id), tenant.name
    yield (tenant.tenant_type, server) if server else str(tenant.tenant_type)
    yield str(tenant.version)
    yield minute(tenant.updated_at)


async def _show(servers: Mapping[str, Settings], name_or_id: str, *, as_json: bool) -> None:
    server, tenant = await find_tenant(servers, name_or_id, "tenant show")
    read = await on_each_server({server: servers[server]}, partial(read_summary, tenant))
    read.end()
    summary = read.of_server[server] | ({"server": server} if len(servers) > 1 else {})
    if as_json:
        print_json(summary)
    else:
        print_summary(summary)
