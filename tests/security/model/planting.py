"""Forests of tenants and their tokens, planted by the superuser in bulk."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg

from multi_tenant_db.identity.access_token import hash_access_token, new_access_token
from tests.security.model.forest import Forest
from tests.security.model.model_tenant import ModelTenant
from tests.security.model.model_token import ModelToken
from tests.security.model.statements import look

HOUR = timedelta(hours=1)
ISSUE_FOR_TENANT = "SELECT tenancy.issue_tenant_token($1, $2, $3, 'model', $4)"
ISSUE_FOR_OPERATOR = "SELECT tenancy.issue_platform_operator_token($1, 'model', $2)"
EXPIRE = """UPDATE tenancy_private.access_tokens
    SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 microsecond'
    WHERE token_hash = $1"""
REVOKE = """SELECT tenancy.revoke_token(token.token_id) FROM tenancy_private.access_tokens AS token
    WHERE token.token_hash = $1"""


def shapes(tenants: int) -> Iterator[tuple[int, ...]]:
    """Yield the sizes of organisations, largest first, of every forest of exactly so many tenants."""

    def parts(rest: int, largest: int) -> Iterator[tuple[int, ...]]:
        if rest == 0:
            yield ()
        for size in range(min(rest, largest), 0, -1):
            for others in parts(rest - size, size):
                yield (size, *others)

    yield from parts(tenants, tenants)


async def clear(as_admin: asyncpg.Connection) -> None:
    """Remove all tenants, all tokens, the audit trail and what is remembered of requests."""
    own = "tenancy_private.access_tokens, tenancy_private.idempotency_keys"
    async with as_admin.transaction():
        await as_admin.execute("SET LOCAL session_replication_role = replica")  # the tenants refuse truncation
        await as_admin.execute(f"TRUNCATE tenancy.tenants, tenancy.tenant_events, {own} CASCADE")


async def plant(as_admin: asyncpg.Connection, sizes: Sequence[int]) -> Forest:
    """Plant organisations of these sizes, head included; the same names in each."""
    for size in sizes:
        head = await as_admin.fetchval(
            "INSERT INTO tenancy.tenants (tenant_type, name, metadata) VALUES ('parent', 'name 0', '{\"note\": 0}')"
            " RETURNING tenant_id"
        )
        await as_admin.execute(
            "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name, metadata)"
            " SELECT 'subsidiary', $1, format('name %s', n), '{\"note\": 0}' FROM generate_series(1, $2) AS n",
            head,
            size - 1,
        )
    forest = await look(as_admin)
    return dict(sorted(forest.items(), key=lambda item: (item[1].parent_id or item[0], item[1].parent_id is not None)))


async def issue(as_operator: asyncpg.Connection, tenant_id: UUID, tenant: ModelTenant) -> ModelToken:
    """Issue a token for a tenant."""
    token = ModelToken(new_access_token(), tenant_id)
    head = tenant.parent_id or tenant_id
    await as_operator.execute(ISSUE_FOR_TENANT, hash_access_token(token.secret), head, tenant_id, HOUR)
    return token


async def issue_for_operator(as_operator: asyncpg.Connection) -> ModelToken:
    """Issue a platform operator's token."""
    token = ModelToken(new_access_token(), "operator")
    await as_operator.execute(ISSUE_FOR_OPERATOR, hash_access_token(token.secret), HOUR)
    return token


async def issue_for_leaver(as_admin: asyncpg.Connection, forest: Forest) -> ModelToken:
    """Issue a token for a tenant, and delete the tenant; where there is an organisation, one of its subsidiaries."""
    head = next(iter(forest), None)
    leaver = await as_admin.fetchval(
        "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name) VALUES ($1, $2, 'leaver')"
        " RETURNING tenant_id",
        "subsidiary" if head else "parent",
        head,
    )
    token = await issue(as_admin, leaver, ModelTenant(head, "leaver", 0))
    await as_admin.execute("DELETE FROM tenancy.tenants WHERE tenant_id = $1", leaver)
    return token


async def kill(as_admin: asyncpg.Connection, token: ModelToken, *, expire: bool) -> ModelToken:
    """Expire or revoke a token."""
    await as_admin.execute(EXPIRE if expire else REVOKE, hash_access_token(token.secret))
    token.dead = True
    return token
