"""Finds a tenant on the servers and issues its token there."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import typer

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.label import is_storable
from multi_tenant_db.cli.operator_session import operator_engine, platform_session
from multi_tenant_db.cli.server_results import ServerResults, on_each_server
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.identity.issued_token import IssuedToken
from multi_tenant_db.models import TenantRow
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.services.access_token_service import AccessTokenService
from multi_tenant_db.settings import Settings


async def issue_on(
    servers: Mapping[str, Settings], name_or_id: str | None, label: str, lifetime: timedelta
) -> tuple[str, IssuedToken]:
    """Issue a token of the tenant, on its server; without a tenant, of a platform operator on the only server.

    Exits with a message when there is no such tenant, or more than one.
    """
    server, tenant = next(iter(servers)), None
    if name_or_id is not None:
        found = await on_each_server(servers, partial(_find, name_or_id))
        found.require_any()
        server, tenant = _only(found, name_or_id)
    issued = await on_each_server({server: servers[server]}, partial(_issue, server, tenant, label, lifetime))
    issued.end()
    return issued.of_server[server]


async def _issue(
    server: str, tenant: TenantRow | None, label: str, lifetime: timedelta, settings: Settings
) -> tuple[str, IssuedToken]:
    async with operator_engine(settings) as engine, transaction(engine) as session:
        service = AccessTokenService(AccessTokenRepository(session))
        if tenant is None:
            return await service.issue_for_platform_operator(label=label, lifetime=lifetime, server=server)
        return await service.issue_for_tenant(tenant, label=label, lifetime=lifetime, server=server)


async def _find(name_or_id: str, settings: Settings) -> Sequence[TenantRow]:
    async with operator_engine(settings) as engine, platform_session(engine, "token issue") as session:
        tenants = TenantRepository(session)
        if (tenant_id := _as_id(name_or_id)) is None:
            return await tenants.find_by_name(name_or_id) if is_storable(name_or_id) else []
        tenant = await tenants.find(tenant_id)
        return [tenant] if tenant else []


def _as_id(name_or_id: str) -> UUID | None:
    try:
        return UUID(name_or_id)
    except ValueError:
        return None


def _only(results: ServerResults[Sequence[TenantRow]], name_or_id: str) -> tuple[str, TenantRow]:
    """Return the tenant and its server. A name is refused while another tenant of a server that is away may have it."""
    found = [(server, tenant) for server, tenants in results.of_server.items() for tenant in tenants]
    is_name = _as_id(name_or_id) is None
    if len(found) == 1 and (not results.failures or not is_name):
        return found[0]
    several = len(results.of_server) + len(results.failures) > 1
    named = [f"{tenant.tenant_id} on {server}" if several else str(tenant.tenant_id) for server, tenant in found]
    if len(found) > 1 and is_name:
        message = f"several tenants are named {name_or_id!r}, use an id: {', '.join(named)}"
    elif found and is_name:
        message = f"another server may have a tenant named {name_or_id!r}, too; use the id: {named[0]}"
    elif found:
        message = f"the tenant is on several servers, choose one with --server: {', '.join(named)}"
    elif results.failures:
        message = f"there is no tenant {name_or_id!r} on the other servers"
    else:
        message = f"there is no tenant {name_or_id!r}; `mtdb seed` adds the sample data"
    typer.echo(f"mtdb: {message}", err=True)
    raise typer.Exit(ExitCode.FAILED if len(found) > 1 else min(results.failures.values(), default=ExitCode.FAILED))
