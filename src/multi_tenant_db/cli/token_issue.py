"""`mtdb token issue`."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Annotated

import typer

from multi_tenant_db.cli.as_json import AsJson
from multi_tenant_db.cli.label import check_label
from multi_tenant_db.cli.lifetime import LONGEST_LIFETIME, Expires, Lifetime, choose_lifetime
from multi_tenant_db.cli.new_token import print_token
from multi_tenant_db.cli.operator_session import operator_engine
from multi_tenant_db.cli.operators_token import read_operators_token
from multi_tenant_db.cli.server_choice import ServerLabel, chosen_servers
from multi_tenant_db.cli.server_results import on_each_server
from multi_tenant_db.cli.tenant_lookup import find_tenant
from multi_tenant_db.cli.token_terms import TokenTerms
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.identity.issued_token import IssuedToken
from multi_tenant_db.models import TenantRow
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository
from multi_tenant_db.services.access_token_service import AccessTokenService
from multi_tenant_db.settings import Settings

USUAL_LIFETIME = "12h"
USUAL_VIEW_LIFETIME = "1h"
LONGEST_VIEW_LIFETIME = timedelta(hours=12)

Label = Annotated[str, typer.Option(callback=check_label, help="Who or what uses the token; shown by `list`.")]


def issue(  # noqa: PLR0913, PLR0917 - each is an option
    tenant: Annotated[str | None, typer.Argument(help="Name or id of the tenant, on any server.")] = None,
    platform_operator: Annotated[
        bool,
        typer.Option(
            "--platform-operator",
            help="Instead of a tenant: every tenant of one server, which --server names if several.",
        ),
    ] = False,
    view: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="TENANT",
            help="Act as this tenant, as the platform operator whose token is in MTDB_TOKEN, or is asked for. Its "
            "audit trail records that. Read-only, and for 1h, at most 12h.",
        ),
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="The database refuses its writes.")] = False,
    writable: Annotated[bool, typer.Option("--writable", help="With --as: may write, too.")] = False,
    server: ServerLabel = None,
    label: Label = "mtdb token issue",
    lifetime: Lifetime = None,
    expires: Expires = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the token.")] = False,
    as_json: AsJson = False,
) -> None:
    """Issue a token, for 12h. It is printed once and not stored. It names its server, if that is not the default."""
    is_view = view is not None
    if tenant is None and not platform_operator and not is_view:
        raise typer.BadParameter("name a tenant, or use --platform-operator")
    if tenant is not None and platform_operator:
        raise typer.BadParameter(f"a platform operator's token belongs to no tenant: omit {tenant!r} or the option")
    if is_view and (tenant is not None or platform_operator):
        raise typer.BadParameter("--as names the tenant: omit the argument and --platform-operator")
    if writable and not is_view:
        raise typer.BadParameter("--writable belongs to --as: other tokens may write, unless they are --read-only")
    if writable and read_only:
        raise typer.BadParameter("use --read-only or --writable, not both")
    servers = chosen_servers(server)
    if platform_operator and len(servers) > 1:
        raise typer.BadParameter(
            f"a platform operator's token reaches the tenants of one server: name it with --server {'|'.join(servers)}"
        )
    usual, longest = (USUAL_VIEW_LIFETIME, LONGEST_VIEW_LIFETIME) if is_view else (USUAL_LIFETIME, LONGEST_LIFETIME)
    terms: TokenTerms = {
        "label": label,
        "lifetime": choose_lifetime(lifetime, expires, usual, longest),
        "may_write": writable if is_view else not read_only,
    }
    operator_token = read_operators_token() if is_view else None
    token, issued = asyncio.run(_issue_on(servers, view or tenant, operator_token, terms))
    print_token(token, issued, quiet=quiet, as_json=as_json)


async def _issue_on(
    servers: Mapping[str, Settings], name_or_id: str | None, operator_token: str | None, terms: TokenTerms
) -> tuple[str, IssuedToken]:
    """Issue a token of the tenant, on its server; without a tenant, of a platform operator on the only server."""
    server, tenant = next(iter(servers)), None
    if name_or_id is not None:
        server, tenant = await find_tenant(servers, name_or_id, "token issue")
    work = partial(_issue, server, tenant, operator_token, terms)
    issued = await on_each_server({server: servers[server]}, work)
    issued.end()
    return issued.of_server[server]


async def _issue(
    server: str, tenant: TenantRow | None, operator_token: str | None, terms: TokenTerms, settings: Settings
) -> tuple[str, IssuedToken]:
    async with operator_engine(settings) as engine, transaction(engine) as session:
        service = AccessTokenService(AccessTokenRepository(session))
        if tenant is None:
            return await service.issue_for_platform_operator(**terms, server=server)
        if operator_token is None:
            return await service.issue_for_tenant(tenant, **terms, server=server)
        return await service.issue_view(tenant, operator_token, **terms, server=server)
