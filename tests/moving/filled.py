"""Organisations with rows in every table that moves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

import asyncpg

from tests.moving.two_servers import HERE, THERE, TwoServers
from tests.support.context import presenting
from tests.support.organization import Organization
from tests.support.registry import Registry

OTHER = {HERE: THERE, THERE: HERE}


async def filled_organization(both: TwoServers, registry: Registry, name: str = "HSBC") -> Organization:
    """Make an organisation with accounts, events, an idempotency key, a quota, and a token of each kind."""
    organization = await registry.create_organization(name)
    parent = organization.parent
    head = parent.tenant_id
    await registry.set_quota(head, 5)
    await registry.revoke(await registry.issue_token(head, head))
    await registry.issue_token(head, head, may_write=False)
    await registry.issue_view_token(await registry.issue_operator_token(), head, head, may_write=True)
    service = await both.databases[HERE].connect_as_api()
    async with presenting(service, parent.token):
        for party in organization.parties:
            await service.execute(
                "INSERT INTO tenancy.accounts (organization_id, tenant_id, name) VALUES ($1, $2, 'Current')",
                parent.tenant_id,
                party.tenant_id,
            )
        await service.execute("UPDATE tenancy.accounts SET balance = 5")
        await service.execute("SELECT tenancy.begin_request('a key', $1)", sha256(b"body").digest())
        await service.execute("SELECT tenancy.finish_request('a key', '{}')")
    await service.close()
    return organization


async def home_of(both: TwoServers, token: str) -> dict[str, str]:
    """Return what each server says to the token, asked directly: `yes`, or a SQLSTATE with its detail."""
    said = {}
    for label, database in both.databases.items():
        service = await database.connect_as_api()
        try:
            async with presenting(service, token):
                await service.fetchval("SELECT tenancy.current_tenant_id()")
            said[label] = "yes"
        except asyncpg.PostgresError as error:
            said[label] = f"{error.sqlstate} {error.detail or ''}".strip()
        await service.close()
    return said


@asynccontextmanager
async def as_admin(both: TwoServers, label: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the superuser of a server."""
    connection = await both.databases[label].connect_as_admin()
    try:
        yield connection
    finally:
        await connection.close()
