"""Quotas hold when many create at once, and what they wait for ends without a deadlock."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import asyncpg
import httpx
import pytest

from tests.reliability.support.until import until
from tests.support.context import presenting
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.requests import create, delete, new_subsidiary, outcome, replace
from tests.support.test_database import TestDatabase

WRITERS = 16
QUOTA = 50
REACHED = "409 subsidiary_quota_reached"
BUSY = "503 database_unavailable"
"""After two seconds of waiting for a lock, on a busy machine."""
INSERT = "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name) VALUES ('subsidiary', $1, $2)"
COUNT = "SELECT count(*) FROM tenancy.tenants WHERE parent_tenant_id = $1"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
IS_WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = $1)"


@pytest.fixture
async def writers(database: TestDatabase) -> AsyncIterator[list[asyncpg.Connection]]:
    """Give each writer a connection of its own, as the service's role."""
    async with AsyncExitStack() as stack:
        connections = [await database.connect_as_api() for _ in range(WRITERS)]
        for connection in connections:
            stack.push_async_callback(connection.close)
            await connection.execute(
                "SET lock_timeout = '30s'; SET statement_timeout = '30s'"
            )  # on a busy machine, too
        yield connections


async def until_waiting(as_admin: asyncpg.Connection, connection: asyncpg.Connection) -> None:
    """Wait until the connection waits for a lock."""

    async def is_waiting() -> bool:
        return bool(await as_admin.fetchval(IS_WAITING, connection.get_server_pid()))

    await until(is_waiting, "the connection waits for a lock", 5)


async def test_sixteen_writers_over_http_create_as_many_as_allowed(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """Exactly the quota is there in the end: each writer stops when it is refused."""
    await registry.set_quota(hsbc.parent.tenant_id, QUOTA)

    async def write() -> Counter[str]:
        seen: Counter[str] = Counter()
        while not seen[REACHED]:
            seen[outcome(await create(client, hsbc.parent, new_subsidiary(hsbc.parent)))] += 1
        return seen

    seen = sum(await asyncio.gather(*(write() for _ in range(WRITERS))), Counter[str]())
    del seen[BUSY]
    assert seen == {"201": QUOTA - len(hsbc.subsidiaries), REACHED: WRITERS}
    assert await as_admin.fetchval(COUNT, hsbc.parent.tenant_id) == QUOTA


async def test_sixteen_writers_in_sql_create_as_many_as_allowed(
    writers: list[asyncpg.Connection],
    as_admin: asyncpg.Connection,
    registry: Registry,
    hsbc: Organization,
    platform_operator: Party,
) -> None:
    """The same as the service's role, half of them as an operator, in transactions of several statements."""
    await registry.set_quota(hsbc.parent.tenant_id, QUOTA)

    async def write(number: int, connection: asyncpg.Connection) -> None:
        is_operator = number % 2 == 1
        token = platform_operator.token if is_operator else hsbc.parent.token
        for step in range(QUOTA):
            async with presenting(connection, token, as_platform=is_operator):
                for part in range(1 + step % 2):
                    await connection.execute(INSERT, hsbc.parent.tenant_id, f"Branch {number} {step} {part}")

    results = await asyncio.gather(*(write(*each) for each in enumerate(writers)), return_exceptions=True)
    assert {getattr(result, "sqlstate", result) for result in results} == {"MT003"}
    assert await as_admin.fetchval(COUNT, hsbc.parent.tenant_id) in {QUOTA - 1, QUOTA}


@pytest.mark.parametrize("raised_to", [4, None])
async def test_a_quota_raised_while_a_creation_waits(
    writers: list[asyncpg.Connection],
    as_admin: asyncpg.Connection,
    registry: Registry,
    hsbc: Organization,
    raised_to: int | None,
) -> None:
    """The creation that waited for the last place finds the new quota, or none."""
    first, second = writers[:2]
    parent = hsbc.parent.tenant_id
    await registry.set_quota(parent, 3)
    async with presenting(first, hsbc.parent.token), presenting(second, hsbc.parent.token):
        await first.execute(INSERT, parent, "First")
        waiting = asyncio.create_task(second.execute(INSERT, parent, "Second"))
        await until_waiting(as_admin, second)
        if raised_to:
            await registry.set_quota(parent, raised_to)
        else:
            await registry.remove_quota(parent)
        await first.execute("COMMIT; BEGIN")
        await waiting
    assert await as_admin.fetchval(COUNT, parent) == 4


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "rolled back"])
async def test_a_creation_waits_for_the_one_before(
    writers: list[asyncpg.Connection],
    as_admin: asyncpg.Connection,
    registry: Registry,
    hsbc: Organization,
    commits: bool,
) -> None:
    """The last place goes to the second creation exactly if the first is rolled back."""
    first, second = writers[:2]
    parent = hsbc.parent.tenant_id
    await registry.set_quota(parent, 3)
    async with presenting(first, hsbc.parent.token):
        await first.execute(INSERT, parent, "First")

        async def follow() -> str:
            try:
                async with presenting(second, hsbc.parent.token):
                    await second.execute(INSERT, parent, "Second")
            except asyncpg.PostgresError as error:
                return str(error.sqlstate)
            return "added"

        waiting = asyncio.create_task(follow())
        await until_waiting(as_admin, second)
        await first.execute("COMMIT; BEGIN" if commits else "ROLLBACK; BEGIN")
    assert await waiting == ("MT003" if commits else "added")
    assert await as_admin.fetchval(COUNT, parent) == 3


async def test_a_quota_set_while_creations_are_under_way(
    writers: list[asyncpg.Connection], as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """Two creations that began without a quota, and so without a lock, get one place between them."""
    holder, *pair = writers[:3]
    parent = hsbc.parent.tenant_id
    async with presenting(holder, hsbc.parent.token):
        for name in ("First", "Second"):
            await holder.execute(INSERT, parent, name)

        async with presenting(pair[0], hsbc.parent.token), presenting(pair[1], hsbc.parent.token):
            creations = []
            for connection, name in zip(pair, ("First", "Second"), strict=True):
                creations.append(asyncio.create_task(connection.execute(INSERT, parent, name)))
                await until_waiting(as_admin, connection)  # for the name
            await registry.set_quota(parent, 3)
            await holder.execute("ROLLBACK; BEGIN")
            done, waiting = await asyncio.wait(creations, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*done)
            winner = pair[creations.index(done.pop())]
            await winner.execute("COMMIT; BEGIN")
            [error] = await asyncio.gather(*waiting, return_exceptions=True)
            assert getattr(error, "sqlstate", error) == "MT003"
    assert await as_admin.fetchval(COUNT, parent) == 3


async def test_without_a_quota_creations_do_not_wait(
    writers: list[asyncpg.Connection], registry: Registry, hsbc: Organization, barclays: Organization
) -> None:
    """No lock is taken for an organisation without a quota, nor for another organisation's."""
    first, second = writers[:2]
    await registry.set_quota(barclays.parent.tenant_id, 5)
    await second.execute("SET lock_timeout = '200ms'")
    async with presenting(first, hsbc.parent.token), presenting(second, hsbc.parent.token):
        for connection in (first, second):
            await connection.execute(INSERT, hsbc.parent.tenant_id, f"Branch {id(connection)}")
    async with presenting(first, hsbc.parent.token), presenting(second, barclays.parent.token):
        await first.execute(INSERT, hsbc.parent.tenant_id, "New")
        await second.execute(INSERT, barclays.parent.tenant_id, "New")


async def test_a_creation_and_a_change_of_the_parent_to_the_same_name(
    writers: list[asyncpg.Connection], as_admin: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """A creation holds no name while it waits for the parent, so the change gets the name, and neither a deadlock."""
    changer, creator = writers[:2]
    parent = hsbc.parent.tenant_id
    await registry.set_quota(parent, QUOTA)
    rename = "UPDATE tenancy.tenants SET name = $2 WHERE tenant_id = $1"
    async with presenting(creator, hsbc.parent.token):
        async with presenting(changer, hsbc.parent.token):
            await changer.execute(rename, parent, "Another")
            creation = asyncio.create_task(creator.execute(INSERT, parent, "Same"))
            await until_waiting(as_admin, creator)
            await changer.execute(rename, parent, "Same")
        with pytest.raises(asyncpg.UniqueViolationError):
            await creation


async def test_a_storm_of_everything_ends_without_a_deadlock(
    client: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    registry: Registry,
    hsbc: Organization,
    platform_operator: Party,
) -> None:
    """Creations of few names, changes of the parent to them, and deletions: no request is ended by a deadlock."""
    parent = hsbc.parent.tenant_id
    await registry.set_quota(parent, 6)
    before = await as_admin.fetchval(DEADLOCKS)
    callers = (hsbc.parent, platform_operator)

    async def create_some(number: int) -> list[str]:
        body = new_subsidiary(hsbc.parent, f"Name {number % 4}")
        return [outcome(await create(client, callers[step % 2], body)) for step in range(12)]

    async def change_some(number: int) -> list[str]:
        name = f"Name {number % 4}"
        return [outcome(await replace(client, callers[step % 2], parent, name)) for step in range(12)]

    async def delete_some(_number: int) -> list[str]:
        outcomes = []
        for _ in range(6):
            page = await client.get("/tenants?tenant_type=subsidiary", headers=hsbc.parent.headers)
            outcomes += [
                outcome(await delete(client, hsbc.parent, tenant["tenant_id"])) for tenant in page.json()["items"][:2]
            ]
        return outcomes

    kinds: tuple[Callable[[int], Awaitable[list[str]]], ...] = (create_some, create_some, change_some, delete_some)
    work = [kinds[number % 4](number) for number in range(WRITERS)]
    seen = Counter(found for outcomes in await asyncio.gather(*work) for found in outcomes)
    assert not [found for found in seen if found.startswith("5") and found != BUSY], seen
    assert seen["201"]
    assert await as_admin.fetchval(DEADLOCKS) == before
    assert await as_admin.fetchval(COUNT, parent) <= 6


async def test_a_cascade_and_creations_end_without_a_deadlock(
    client: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    registry: Registry,
    platform_operator: Party,
) -> None:
    """An organisation is deleted while subsidiaries are added: it is gone with all of them, or whole."""
    before = await as_admin.fetchval(DEADLOCKS)
    for _ in range(5):
        bank = await registry.create_organization("Bank")
        await registry.set_quota(bank.parent.tenant_id, QUOTA)
        creations = [create(client, bank.parent, new_subsidiary(bank.parent)) for _ in range(8)]
        deletion = delete(client, platform_operator, bank.parent.tenant_id, cascade=True)
        answers = await asyncio.gather(*creations, deletion)
        assert not [found for found in map(outcome, answers) if found.startswith("5") and found != BUSY]
        left = await as_admin.fetchval(COUNT, bank.parent.tenant_id)
        assert left == 0 or outcome(answers[-1]) != "204"
    assert await as_admin.fetchval(DEADLOCKS) == before
