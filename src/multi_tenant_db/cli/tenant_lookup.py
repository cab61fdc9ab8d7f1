"""Finds a tenant on the servers, by name or id."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Never
from uuid import UUID

import typer

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.cli.label import is_storable
from multi_tenant_db.cli.operator_session import operator_engine, platform_session
from multi_tenant_db.cli.server_results import ServerResults, on_each_server
from multi_tenant_db.models import TenantRow
from multi_tenant_db.observability.printable import printable
from multi_tenant_db.repositories.tenant_repository import TenantRepository
from multi_tenant_db.settings import Settings


async def find_tenant(servers: Mapping[str, Settings], name_or_id: str, command: str) -> tuple[str, TenantRow]:
    """Return the label of the tenant's server, and the tenant.

    Exits with a message when there is no such tenant, or more than one.
    """
    found = await on_each_server(servers, partial(_find, name_or_id, command))
    found.require_any()
    return _only(found, name_or_id, "tenant")


async def find_organization(servers: Mapping[str, Settings], name_or_id: str, command: str) -> tuple[str, TenantRow]:
    """Do the same for the parent of an organisation; subsidiaries of the same name are ignored."""
    found = await on_each_server(servers, partial(_find, name_or_id, command))
    found.require_any()
    parents = ServerResults[Sequence[TenantRow]](
        {server: [one for one in tenants if is_parent(one)] for server, tenants in found.of_server.items()},
        found.failures,
    )
    subsidiaries = [one for tenants in found.of_server.values() for one in tenants if not is_parent(one)]
    if subsidiaries and not any(parents.of_server.values()):
        names = ", ".join(str(one.organization_id) for one in subsidiaries)
        _fail(f"{printable(subsidiaries[0].name)} is a subsidiary: name its parent {names}")
    return _only(parents, name_or_id, "parent")


async def find_labels(servers: Mapping[str, Settings], tenant_id: UUID, command: str) -> list[str]:
    """Return the labels of the servers that have the tenant; exits if one of them does not answer."""
    found = await on_each_server(servers, partial(_find, str(tenant_id), command))
    found.end()
    return [label for label, tenants in found.of_server.items() if tenants]


def is_parent(tenant: TenantRow) -> bool:
    """Return whether the tenant is the parent of its organisation."""
    return tenant.tenant_id == tenant.organization_id


async def _find(name_or_id: str, command: str, settings: Settings) -> Sequence[TenantRow]:
    async with operator_engine(settings) as engine, platform_session(engine, command) as session:
        tenants = TenantRepository(session)
        if (tenant_id := as_id(name_or_id)) is None:
            return await tenants.find_by_name(name_or_id) if is_storable(name_or_id) else []
        tenant = await tenants.find(tenant_id)
        return [tenant] if tenant else []


def as_id(name_or_id: str) -> UUID | None:
    """Return the id, or None for a name."""
    try:
        return UUID(name_or_id)
    except ValueError:
        return None


def _only(results: ServerResults[Sequence[TenantRow]], name_or_id: str, kind: str) -> tuple[str, TenantRow]:
    """Return the tenant and its server. A name is refused while another tenant of a server that is away may have it."""
    found = [(server, tenant) for server, tenants in results.of_server.items() for tenant in tenants]
    is_name = as_id(name_or_id) is None
    if len(found) == 1 and (not results.failures or not is_name):
        return found[0]
    several = len(results.of_server) + len(results.failures) > 1
    named = [f"{tenant.tenant_id} on {server}" if several else str(tenant.tenant_id) for server, tenant in found]
    if len(found) > 1 and is_name:
        message = f"several {kind}s are named {name_or_id!r}, use an id: {', '.join(named)}"
    elif found and is_name:
        message = f"another server may have a {kind} named {name_or_id!r}, too; use the id: {named[0]}"
    elif found:
        message = f"the {kind} is on several servers, choose one with --server: {', '.join(named)}"
    elif results.failures:
        message = f"there is no {kind} {name_or_id!r} on the other servers"
    else:
        message = f"there is no {kind} {name_or_id!r}; `mtdb seed` adds the sample data"
    return _fail(
        message, ExitCode.FAILED if len(found) > 1 else min(results.failures.values(), default=ExitCode.FAILED)
    )


def _fail(message: str, code: ExitCode = ExitCode.FAILED) -> Never:
    typer.echo(f"mtdb: {message}", err=True)
    raise typer.Exit(code)
