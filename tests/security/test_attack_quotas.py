"""Attacks on quotas: to have more subsidiaries, to learn another organisation's number, to hold up its creations."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from tests.support.attack import refused, sees_nothing
from tests.support.attempt import attempt, error_of
from tests.support.context import presenting
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

COUNT = "SELECT count(*) FROM tenancy.tenants WHERE parent_tenant_id = $1"
COLUMNS = "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name)"
ONE = COLUMNS + " VALUES ('subsidiary', '{parent}', 'mine')"

SWAPS = {
    "in the source": COLUMNS + " SELECT 'subsidiary', '{parent}', 'mine' || length({swap})",
    "in the second row": COLUMNS + " SELECT 'subsidiary', '{parent}', 'mine' || n ||"
    " CASE n WHEN 2 THEN {swap} ELSE '' END FROM generate_series(1, 2) AS n",
    "in RETURNING": ONE + " RETURNING {swap}",
    "in a WITH before": COLUMNS + " WITH swap AS MATERIALIZED (SELECT {swap} AS done)"
    " SELECT 'subsidiary', '{parent}', 'mine' || length(done) FROM swap",
    "in a WITH that is read after": "WITH mine AS (" + ONE + " RETURNING name) SELECT {swap} FROM mine",
    "in a MERGE": "MERGE INTO tenancy.tenants AS t USING (SELECT 'mine' AS name) AS s ON t.name = s.name"
    " WHEN NOT MATCHED THEN INSERT (tenant_type, parent_tenant_id, name)"
    " VALUES ('subsidiary', '{parent}', s.name || length({swap})) RETURNING {swap}",
}
"""Where a statement may put another token, or another role, in the place of that which the policies checked."""

PREPARATIONS = (
    "SET CONSTRAINTS ALL DEFERRED",
    "SET LOCAL session_replication_role = replica",
    "SET LOCAL row_security = off",
    "ALTER TABLE tenancy.tenants DISABLE TRIGGER ALL",
    "DROP TRIGGER tenants_keep_quotas ON tenancy.tenants",
    "DROP FUNCTION tenancy_private.keep_quotas() CASCADE",
    "DELETE FROM tenancy_private.quotas",
    "SELECT tenancy.remove_quota(NULL)",
    "SET LOCAL search_path = pg_temp; SET LOCAL cpu_operator_cost = 1; SET LOCAL plan_cache_mode = force_generic_plan",
    "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off",
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SET LOCAL max_stack_depth = '100kB'",
)

OF_A_QUOTA = (
    "SELECT tenancy.max_subsidiaries('{id}')",
    "SELECT tenancy.has_quota('{id}')",
)
OF_OPERATORS = (
    "SELECT tenancy.list_quotas()",
    "SELECT tenancy.set_quota('{id}', 1000)",
    "SELECT tenancy.remove_quota('{id}')",
    "SELECT tenancy_private.find_quota('{id}')",
    "SELECT * FROM tenancy_private.quotas",
    "INSERT INTO tenancy_private.quotas VALUES ('{id}', 1000)",
    "SELECT * FROM tenancy_private.quotas FOR UPDATE",
    "LOCK TABLE tenancy_private.quotas",
)


@pytest.fixture
async def full(registry: Registry, hsbc: Organization) -> Organization:
    """Give HSBC as many subsidiaries as it may have."""
    await registry.set_quota(hsbc.parent.tenant_id, len(hsbc.subsidiaries))
    return hsbc


@pytest.fixture
async def victim(database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Connect the victim, who waits for locks only briefly."""
    connection = await database.connect_as_api()
    await connection.execute("SET lock_timeout = '200ms'")
    yield connection
    await connection.close()


@refused("forging and replaying the context")
@pytest.mark.parametrize("where", SWAPS)
async def test_a_quota_counted_for_another_caller(
    as_api: asyncpg.Connection,
    full: Organization,
    barclays: Organization,
    platform_operator: Party,
    where: str,
) -> None:
    """To have the subsidiaries counted under a token or role that sees fewer of them."""
    parent = full.parent.tenant_id
    tokens = (
        *(party.token for party in (full.subsidiaries[0], barclays.parent, platform_operator)),
        *("", "mtdb_no_token"),
    )
    swaps = [
        *(f"set_config('app.current_tenant', '{token}', true)" for token in tokens),
        "set_config('role', 'tenancy_platform', true)",
        "set_config('role', 'none', true)",
    ]
    for swap in swaps:
        for caller, as_platform in ((full.parent, False), (platform_operator, True)):
            statement = SWAPS[where].format(parent=parent, swap=swap)
            await error_of(attempt(as_api, caller.token, statement, as_platform=as_platform))
    async with presenting(as_api, full.parent.token):
        assert await as_api.fetchval(COUNT, parent) == len(full.subsidiaries)


@refused("unusual statements")
@pytest.mark.parametrize("preparation", PREPARATIONS)
async def test_a_quota_that_is_switched_off(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, full: Organization, preparation: str
) -> None:
    """To add a subsidiary after the trigger, the count or the number has been disabled."""
    statement = ONE.format(parent=full.parent.tenant_id)
    for as_platform in (False, True):
        await error_of(attempt(as_api, full.parent.token, preparation, statement, as_platform=as_platform))
    transaction = as_api.transaction(isolation="repeatable_read")
    await transaction.start()
    await error_of(attempt(as_api, full.parent.token, statement))
    await transaction.rollback()
    assert await as_admin.fetchval(COUNT, full.parent.tenant_id) == len(full.subsidiaries)


@refused("unusual statements")
async def test_a_place_that_is_used_twice(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, full: Organization
) -> None:
    """To undo a deletion after the place that it made has been used."""
    parent, gone = full.parent.tenant_id, full.subsidiaries[0].tenant_id
    delete = f"DELETE FROM tenancy.tenants WHERE tenant_id = '{gone}'"
    one = ONE.format(parent=parent)
    async with presenting(as_api, full.parent.token):
        await as_api.execute(f"SAVEPOINT a; {delete}; {one}; ROLLBACK TO a")
        await as_api.execute(f"SAVEPOINT b; {delete}; SAVEPOINT c; {one}; RELEASE c; ROLLBACK TO b")
    await attempt(as_api, full.parent.token, f"WITH gone AS ({delete}) {one}")
    await error_of(attempt(as_api, full.parent.token, f"WITH gone AS ({delete}) {one}"))
    assert await as_admin.fetchval(COUNT, parent) == len(full.subsidiaries)


@sees_nothing("side channels")
async def test_a_strangers_quota(
    as_api: asyncpg.Connection, registry: Registry, full: Organization, barclays: Organization
) -> None:
    """To learn whether another organisation has a quota, whether it is full, or whether it exists."""
    without = await registry.create_organization("Without")
    for attacker in (barclays.parent, barclays.subsidiaries[0], None):
        token = attacker.token if attacker else None
        for as_platform in (False, True):
            for read in (*OF_A_QUOTA, ONE):
                told = set()
                for victim_id in (full.parent.tenant_id, without.parent.tenant_id, uuid4()):
                    try:
                        statement = read.format(id=victim_id, parent=victim_id)
                        rows = await attempt(as_api, token, statement, as_platform=as_platform)
                        told.add(str(rows))
                    except asyncpg.PostgresError as error:
                        told.add(f"{error.sqlstate} {error.detail} {error.hint} {error}")
                assert len(told) == 1, told
    own = {await as_api.fetchval("SELECT tenancy.has_quota($1)", full.parent.tenant_id)}
    async with presenting(as_api, full.subsidiaries[0].token):
        own.add(await as_api.fetchval("SELECT tenancy.has_quota($1)", full.parent.tenant_id))
        assert await as_api.fetchval("SELECT tenancy.max_subsidiaries($1)", full.parent.tenant_id) == 2
    assert own == {False, True}


@refused("tampering with records")
@pytest.mark.parametrize("statement", OF_OPERATORS)
async def test_the_records_of_quotas(
    as_api: asyncpg.Connection, full: Organization, platform_operator: Party, statement: str
) -> None:
    """To read all quotas, or to change the own one, with every token that a tenant or platform operator has."""
    for caller in (full.parent, platform_operator):
        for as_platform in (False, True):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await attempt(as_api, caller.token, statement.format(id=full.parent.tenant_id), as_platform=as_platform)


@sees_nothing("side channels")
async def test_holding_up_a_strangers_creations(
    as_api: asyncpg.Connection,
    victim: asyncpg.Connection,
    registry: Registry,
    hsbc: Organization,
    barclays: Organization,
) -> None:
    """To keep the lock on which another organisation's creations wait; nor can a subsidiary keep its parent's."""
    parent = hsbc.parent.tenant_id
    await registry.set_quota(parent, 50)
    for number, attacker in enumerate((barclays.parent, barclays.subsidiaries[0], hsbc.subsidiaries[0])):
        locks = (
            f"SELECT FROM tenancy.tenants WHERE tenant_id = '{parent}' FOR UPDATE",
            f"SELECT FROM tenancy.tenants WHERE organization_id = '{parent}' AND tenant_id = '{parent}' FOR KEY SHARE",
            f"UPDATE tenancy.tenants SET metadata = '{{}}' WHERE tenant_id = '{parent}'",
            f"SELECT tenancy.has_quota('{parent}')",
        )
        async with presenting(as_api, attacker.token):
            for lock in locks:
                await as_api.execute(lock)
            await error_of(attempt(as_api, None, ONE.format(parent=parent)))
            async with presenting(victim, hsbc.parent.token):
                await victim.execute(f"{COLUMNS} VALUES ('subsidiary', $1, $2)", parent, f"Branch {number}")
    async with presenting(victim, hsbc.parent.token):
        assert await victim.fetchval(COUNT, parent) == len(hsbc.subsidiaries) + 3
