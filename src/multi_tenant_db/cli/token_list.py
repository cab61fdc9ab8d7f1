"""`mtdb token list`."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import typer

from multi_tenant_db.cli.as_json import AsJson, print_json
from multi_tenant_db.cli.operator_session import operator_engine, platform_session
from multi_tenant_db.cli.printed_table import minute, print_table
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import ServerResults, on_each_server
from multi_tenant_db.cli.tenant_lookup import find_organization, find_tenant
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.services.access_token_service import AccessTokenService
from multi_tenant_db.settings import Settings


@dataclass(frozen=True)
class Page:
    """Which tokens to list."""

    every_state: bool
    limit: int
    before: UUID | None
    organization_id: UUID | None = None
    tenant_id: UUID | None = None


def list_tokens(  # noqa: PLR0913, PLR0917 - each is an option
    tenant: Annotated[str | None, typer.Option(metavar="NAME|ID", help="Only this tenant's tokens.")] = None,
    organization: Annotated[
        str | None, typer.Option(metavar="NAME|ID", help="Only those of this parent and its subsidiaries.")
    ] = None,
    every_state: Annotated[bool, typer.Option("--all", help="Also list expired and revoked tokens.")] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="Maximum number of tokens; the newest are kept.")
    ] = 1_000,
    before: Annotated[UUID | None, typer.Option(metavar="TOKEN_ID", help="Only tokens issued before this one.")] = None,
    server: ServerLabel = None,
    as_json: AsJson = False,
) -> None:
    """List tokens, oldest first. The secrets are not stored and cannot be shown."""
    if tenant is not None and organization is not None:
        raise typer.BadParameter("use --tenant or --organization, not both")
    servers = chosen_servers(server)
    several = len(servers) > 1
    results = asyncio.run(_list(servers, tenant, organization, Page(every_state, limit, before)))
    results.require_any()
    rows = [row | ({"server": label} if several else {}) for label, rows in results.of_server.items() for row in rows]
    rows = sorted(rows, key=lambda row: str(row["token_id"]))[-limit:]  # an id begins with the time of issue
    if as_json:
        print_json(rows)
    else:
        columns = {
            "token_id; label; operator": 36,
            "tenant; server" if several else "tenant": None,
            "expires_at": 16,
            "state": 9,
        }
        print_table(columns, ([*_cells(row)] for row in rows))
    if len(rows) == limit:
        earlier = f"see --limit, or --before {rows[0]['token_id']}"
        typer.echo(f"only the newest {limit} are listed: {earlier}", err=True)
    results.end()


def _cells(row: dict[str, Any]) -> Iterator[str | tuple[str, ...]]:
    operator = row["operator_label"]
    yield row["token_id"], row["label"], *([f"for {operator}"] if operator else [])
    tenant = row["tenant"] or ("(platform operator)" if row["role"] == "platform_operator" else "-")
    yield (tenant, row["server"]) if "server" in row else tenant
    yield minute(datetime.fromisoformat(row["expires_at"]))
    yield row["state"], *([] if row["may_write"] else ["read-only"])


async def _list(
    servers: Mapping[str, Settings], tenant: str | None, organization: str | None, page: Page
) -> ServerResults[list[dict[str, Any]]]:
    if tenant is not None:
        label, found = await find_tenant(servers, tenant, "token list")
        servers = {label: servers[label]}
        page = replace(page, organization_id=found.organization_id, tenant_id=found.tenant_id)
    elif organization is not None:
        label, found = await find_organization(servers, organization, "token list")
        servers = {label: servers[label]}
        page = replace(page, organization_id=found.organization_id)
    return await on_each_server(servers, partial(_list_rows, page))


async def _list_rows(page: Page, settings: Settings) -> list[dict[str, Any]]:
    async with operator_engine(settings) as engine:
        async with transaction(engine) as session:
            shown = await AccessTokenService(AccessTokenRepository(session)).list_tokens(**asdict(page))
        async with platform_session(engine, "token list") as session:
            names = await TenantRepository(session).find_names(
                {token.tenant_id for token in shown if token.tenant_id is not None}
            )
    return [
        {
            "token_id": str(token.token_id),
            "role": token.role,
            "tenant": names.get(token.tenant_id) if token.tenant_id else None,
            "tenant_id": str(token.tenant_id) if token.tenant_id else None,
            "label": token.label,
            "created_at": token.created_at.isoformat(),
            "expires_at": token.expires_at.isoformat(),
            "state": token.state,
            "may_write": token.may_write,
            "operator_token_id": str(token.operator_token_id) if token.operator_token_id else None,
            "operator_label": token.operator_label,
        }
        for token in shown
    ]
