"""The cast of a storm, and what must hold when it is over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf
from uuid import uuid4

import asyncpg
from sqlalchemy import URL

from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.storm_caller import StormCaller
from tests.support.storm_tally import StormTally
from tests.support.test_database import TestDatabase

ORGANIZATIONS = 12
STILL_OPEN = """
    SELECT count(*) AS connections,
           count(*) FILTER (
               WHERE EXISTS (SELECT FROM pg_locks AS lock WHERE lock.pid = activity.pid)
           ) AS in_transaction
    FROM pg_stat_activity AS activity
    WHERE usename = 'tenancy_api' AND datname = current_database()
"""
STRAYED_ROWS = """
    SELECT tenant.name, head.name AS head, tenant.metadata
    FROM tenancy.tenants AS tenant
    JOIN tenancy.tenants AS head ON head.tenant_id = tenant.organization_id
    WHERE left(tenant.name, 17) <> left(head.name, 17)
       OR coalesce(tenant.metadata ->> 'mark', left(tenant.name, 17)) <> left(tenant.name, 17)
"""
STRAYED_EVENTS = """
    SELECT event.tenant_id, event.event_type, event.new_values
    FROM tenancy.tenant_events AS event
    JOIN tenancy.tenants AS actor ON actor.tenant_id = event.actor_tenant_id
    WHERE actor.organization_id <> event.organization_id
"""


@dataclass(frozen=True)
class StormWorld:
    """A database of its own, its callers, and a view from above."""

    database: TestDatabase
    as_admin: asyncpg.Connection
    registry: Registry
    cast: list[StormCaller]

    async def connections_settle(self, at_most: int) -> None:
        """Wait until no transaction is open; fail when one stays, or when there are more connections than allowed."""
        open_now = await self.as_admin.fetchrow(STILL_OPEN)
        for _ in range(100):
            if open_now["connections"] <= at_most and open_now["in_transaction"] == 0:
                return
            await asyncio.sleep(0.1)
            open_now = await self.as_admin.fetchrow(STILL_OPEN)
        raise AssertionError(f"leaked: {dict(open_now)}, {at_most} connections are allowed")

    async def nothing_strayed(self, tally: StormTally) -> None:
        """Compare what is stored with the marks of its owners and with what the service acknowledged."""
        assert await self.as_admin.fetch(STRAYED_ROWS) == []
        assert await self.as_admin.fetch(STRAYED_EVENTS) == []
        stored = {str(row[0]) for row in await self.as_admin.fetch("SELECT tenant_id FROM tenancy.tenants")}
        assert tally.created - tally.deleted - tally.perhaps_deleted <= stored, "an acknowledged creation is gone"
        assert not tally.deleted & stored, "an acknowledged deletion is undone"

    async def reach_of(self, caller: StormCaller) -> list[str]:
        """Return the ids that a caller must see, in order, as the superuser finds them."""
        statement = (
            "SELECT tenant_id FROM tenancy.tenants WHERE tenant_id = $1 OR parent_tenant_id = $1 ORDER BY tenant_id"
        )
        return [str(row[0]) for row in await self.as_admin.fetch(statement, caller.tenant_id)]

    @property
    def lasting(self) -> list[StormCaller]:
        """The tenants whose tokens live on."""
        return [caller for caller in self.cast if caller.tenant_id is not None and caller.dead_from == inf]


@asynccontextmanager
async def storm_world(server_url: URL) -> AsyncIterator[StormWorld]:
    """Make organisations whose names bear their mark, an operator, and somebody with a made-up token."""
    async with fresh_database(server_url) as database:
        as_admin, as_operator = await database.connect_as_admin(), await database.connect_as_operator()
        try:
            registry = Registry(as_operator)
            marks = [f"mark-{uuid4().hex[:12]}" for _ in range(ORGANIZATIONS)]
            organizations = [await registry.create_organization(mark) for mark in marks]
            cast = [caller for n in range(ORGANIZATIONS) for caller in _callers(organizations, n, marks[n])]
            operator = StormCaller(await registry.issue_operator_token(), None, None, "operator")
            nobody = _callers(organizations, 0, "mark-of-nobody")[0]
            nobody.token, nobody.alive_until, nobody.dead_from = "mtdb_made-up", -inf, -inf
            yield StormWorld(database, as_admin, registry, [*cast, operator, nobody])
        finally:
            await as_admin.close()
            await as_operator.close()


def _callers(organizations: list[Organization], n: int, mark: str) -> list[StormCaller]:
    own = organizations[n]
    strangers = [party.tenant_id for other in organizations if other is not own for party in other.parties]
    callers = []
    for party in own.parties:
        is_parent = party is own.parent
        family = [other for other in own.parties if other is not party]
        callers.append(
            StormCaller(
                token=party.token,
                tenant_id=party.tenant_id,
                organization_id=own.parent.tenant_id,
                mark=mark,
                name=party.name,
                taken=family[0].name,
                subsidiaries=[child.tenant_id for child in own.subsidiaries] if is_parent else [],
                hidden=strangers if is_parent else [*strangers, *[relative.tenant_id for relative in family] * 10],
            )
        )
    return callers
