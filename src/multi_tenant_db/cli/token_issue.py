"""Finds a tenant on the servers and issues its token there."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from multi_tenant_db.cli.operator_session import operator_engine
from multi_tenant_db.cli.server_results import on_each_server
from multi_tenant_db.cli.tenant_choice import find_tenant
from multi_tenant_db.database.tenant_session import transaction
from multi_tenant_db.identity.issued_token import IssuedToken
from multi_tenant_db.models import TenantRow
from multi_tenant_db.repositories.access_token_repository import AccessTokenRepository
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
        server, tenant = await find_tenant(servers, name_or_id, "token issue")
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
