"""A bank among thousands of tenants that it must not notice, behind a real service."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from sqlalchemy import URL

from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.served_process import ServedProcess, served

SUBSIDIARIES_OF_EACH = 9
ADD_PARENTS = """
    INSERT INTO tenancy.tenants (tenant_type, name)
    SELECT 'parent', 'Hidden ' || n FROM generate_series(1, $1::integer) AS n
    RETURNING tenant_id
"""
ADD_SUBSIDIARIES = """
    INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name)
    SELECT 'subsidiary', head, 'Hidden branch ' || n
    FROM unnest($1::uuid[]) AS head, generate_series(1, $2::integer) AS n
    RETURNING tenant_id
"""


@dataclass(frozen=True)
class HiddenWorld:
    """Who asks, whom he must not see, and where to ask."""

    service: ServedProcess
    as_admin: asyncpg.Connection
    caller: Organization
    hidden: list[UUID]

    def pairs(self, chance: random.Random) -> list[tuple[UUID, UUID]]:
        """Return each hidden id beside one that nobody has; nobody could guess closer than half of these are."""
        chance.shuffle(self.hidden)
        return [(hidden, absent_id(hidden, near=n % 2 == 0)) for n, hidden in enumerate(self.hidden)]


def absent_id(hidden: UUID, *, near: bool) -> UUID:
    """Return an id that nobody has: of the same millisecond as the hidden one, or of any time."""
    kept = hidden.int if near else int.from_bytes(random.randbytes(16))
    return UUID(int=kept >> 62 << 62 | random.getrandbits(62))


@asynccontextmanager
async def hidden_world(
    server_url: URL, hidden: int, *, once_served: tuple[str, ...] = ()
) -> AsyncIterator[HiddenWorld]:
    """Fill a database of its own with about as many hidden tenants, serve it, and change it then if asked."""
    async with fresh_database(server_url) as database:
        as_admin, as_operator = await database.connect_as_admin(), await database.connect_as_operator()
        try:
            registry = Registry(as_operator)
            heads = [row[0] for row in await as_admin.fetch(ADD_PARENTS, max(1, hidden // (SUBSIDIARIES_OF_EACH + 1)))]
            caller = await registry.create_organization("Caller")
            branches = await as_admin.fetch(ADD_SUBSIDIARIES, heads, SUBSIDIARIES_OF_EACH)
            await as_admin.execute("ANALYZE tenancy.tenants")
            with served(database) as service:
                for statement in once_served:
                    await as_admin.execute(statement)
                yield HiddenWorld(service, as_admin, caller, [*heads, *(row[0] for row in branches)])
        finally:
            await as_admin.close()
            await as_operator.close()
