"""Finds the tenant that an administrator's command names, on all servers, whatever its state."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from multi_tenant_db.cli.administrators import administrators_url, connected
from multi_tenant_db.cli.label import is_storable
from multi_tenant_db.records.records_error import RecordsError
from multi_tenant_db.records.scope import Scope
from multi_tenant_db.records.scopes import find_scopes
from multi_tenant_db.settings import Settings


@dataclass(frozen=True)
class TenantScope:
    """A tenant on a server, and an administrator's session there."""

    server: str
    connection: asyncpg.Connection
    scope: Scope


@asynccontextmanager
async def found_scope(
    servers: Mapping[str, Settings], name_or_id: str, *, also_deleted: bool = False
) -> AsyncIterator[TenantScope]:
    """Connect to the servers and give the one tenant. Raises RecordsError if there is none, or more than one."""
    urls = {label: administrators_url(settings, label) for label, settings in servers.items()}
    async with AsyncExitStack() as stack:
        found = []
        for label, url in urls.items():
            connection = await stack.enter_async_context(connected(url, label))
            if is_storable(name_or_id):
                scopes = await find_scopes(connection, name_or_id, also_deleted=also_deleted)
                found += [TenantScope(label, connection, scope) for scope in scopes]
        if not found:
            hint = "; the id finds one that was deleted" if also_deleted else ""
            raise RecordsError(f"there is no tenant {name_or_id!r}: see `mtdb tenant list`{hint}")
        if len(found) > 1:
            places = ", ".join(f"{one.scope.tenant_id} on {one.server}" for one in found)
            raise RecordsError(f"several tenants are named {name_or_id!r}, use an id, or --server: {places}")
        yield found[0]
