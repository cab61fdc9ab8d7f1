"""Makes and removes what the fixtures give to tests."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
from sqlalchemy import URL

from multi_tenant_db.database.connecting import connect_to
from multi_tenant_db.identity.access_token import hash_access_token
from multi_tenant_db.schema import installation
from multi_tenant_db.testing.migrated_database import API_PASSWORD, OPERATOR_PASSWORD, MigratedDatabase
from multi_tenant_db.testing.party import Party
from multi_tenant_db.testing.registry import Registry
from multi_tenant_db.testing.two_organizations import TwoOrganizations

EXPIRE = """
    UPDATE tenancy_private.access_tokens
    SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 second'
    WHERE token_hash = $1
"""
REMOVE = "DELETE FROM tenancy.tenants WHERE organization_id = ANY ($1) AND (parent_tenant_id IS NULL) = $2"


async def make_database(admin_url: URL) -> MigratedDatabase:
    """Create the database of the URL with roles and schema."""
    await installation.create_database(admin_url)
    await installation.create_roles(admin_url, api_password=API_PASSWORD, operator_password=OPERATOR_PASSWORD)
    await asyncio.to_thread(installation.migrate, admin_url=admin_url)
    return MigratedDatabase(admin_url)


async def drop_database(admin_url: URL) -> None:
    """Drop the database of the URL, also while programs are connected."""
    maintenance = admin_url.set(database=installation.MAINTENANCE_DATABASE)
    connection = await connect_to(maintenance, seconds=installation.CONNECT_TIMEOUT_SECONDS)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{admin_url.database}" WITH (FORCE)')
    finally:
        await connection.close()


async def make_organizations(database: MigratedDatabase) -> TwoOrganizations:
    """Make two organisations with two subsidiaries each, and the tokens of every kind of caller."""
    operator, as_admin = await database.connect_as_operator(), await database.connect_as_admin()
    try:
        registry = Registry(operator)
        first, second = await registry.create_organization("First"), await registry.create_organization("Second")
        expired = await registry.issue_token(first.parent.tenant_id, first.parent.tenant_id)
        revoked = await registry.issue_token(first.parent.tenant_id, first.parent.tenant_id)
        await as_admin.execute(EXPIRE, hash_access_token(expired))
        await registry.revoke(revoked)
        token = await registry.issue_operator_token(timedelta(hours=1))
        return TwoOrganizations(first, second, Party(uuid4(), "platform operator", token), expired, revoked)
    finally:
        await operator.close()
        await as_admin.close()


async def remove_organizations(database: MigratedDatabase, organizations: TwoOrganizations) -> None:
    """Delete the organisations with all rows that refer to them."""
    as_admin: asyncpg.Connection = await database.connect_as_admin()
    heads = [organization.parent.tenant_id for organization in (organizations.first, organizations.second)]
    try:
        for is_parent in (False, True):
            await as_admin.execute(REMOVE, heads, is_parent)
    finally:
        await as_admin.close()
