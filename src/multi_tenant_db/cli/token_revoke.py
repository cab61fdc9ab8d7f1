"""`mtdb token revoke`."""

import asyncio
import sys
from collections.abc import Mapping
from functools import partial
from typing import Annotated
from uuid import UUID

import typer

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.operator_session import operator_engine
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import on_each_server
from multi_tenant_db.cli.tenant_lookup import find_organization, find_tenant
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.models import TenantRow
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository
from multi_tenant_db.services.access_token_service import AccessTokenService
from multi_tenant_db.settings import Settings


def revoke(
    token_id: Annotated[UUID | None, typer.Argument(help="The token_id that `list` shows.")] = None,
    tenant: Annotated[str | None, typer.Option(metavar="NAME|ID", help="All valid tokens of this tenant.")] = None,
    organization: Annotated[
        str | None, typer.Option(metavar="NAME|ID", help="All those of this parent and its subsidiaries.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before all tokens are revoked.")] = False,
    server: ServerLabel = None,
) -> None:
    """Revoke a token, and the view tokens issued with it, or all tokens of a tenant, on whichever server it is.

    The next statement that presents one fails.
    """
    if sum(choice is not None for choice in (token_id, tenant, organization)) != 1:
        raise typer.BadParameter("name a token_id, --tenant or --organization: one of them")
    servers = chosen_servers(server)
    if token_id is not None:
        _revoke_one(servers, token_id)
        return
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("confirm with --yes that all these tokens are revoked")
    label, owner = asyncio.run(_find_owner(servers, tenant, organization))
    whose = f"{printable(owner.name)}{' and its subsidiaries' if organization is not None else ''}"
    if not yes:
        typer.confirm(f"Revoke all tokens of {whose}?", abort=True, err=True)
    member = None if organization is not None else owner.tenant_id
    results = asyncio.run(on_each_server({label: servers[label]}, partial(_revoke_all, owner.organization_id, member)))
    results.end()
    typer.echo(f"{results.of_server[label]:,} tokens of {whose} were revoked")


def _revoke_one(servers: Mapping[str, Settings], token_id: UUID) -> None:
    results = asyncio.run(on_each_server(servers, partial(_revoke, token_id)))
    results.require_any()
    if any(results.of_server.values()):
        typer.echo(f"token {token_id} is revoked")
        results.end()
        return
    elsewhere = " on the other servers" if results.failures else ""
    typer.echo(f"mtdb: there is no unrevoked token {token_id}{elsewhere}: see `mtdb token list`", err=True)
    results.end()
    raise typer.Exit(ExitCode.FAILED)


async def _find_owner(
    servers: Mapping[str, Settings], tenant: str | None, organization: str | None
) -> tuple[str, TenantRow]:
    if tenant is not None:
        return await find_tenant(servers, tenant, "token revoke")
    return await find_organization(servers, str(organization), "token revoke")


async def _revoke(token_id: UUID, settings: Settings) -> bool:
    async with operator_engine(settings) as engine, transaction(engine) as session:
        return await AccessTokenService(AccessTokenRepository(session)).revoke(token_id)


async def _revoke_all(organization_id: UUID, tenant_id: UUID | None, settings: Settings) -> int:
    async with operator_engine(settings) as engine, transaction(engine) as session:
        return await AccessTokenService(AccessTokenRepository(session)).revoke_all(organization_id, tenant_id)
