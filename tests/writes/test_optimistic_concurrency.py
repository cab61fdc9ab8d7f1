"""ETag and If-Match under concurrency: of the clients that read the same version, exactly one writes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from multi_tenant_db.main import create_app
from tests.support.audit import types_of
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.requests import delete, outcome, replace
from tests.support.test_database import TestDatabase

STALE = "412 precondition_failed"


@pytest.fixture
async def second_client(database: TestDatabase) -> AsyncIterator[httpx.AsyncClient]:
    """Call another instance of the service, with a pool of its own, on the same database."""
    app = create_app(database.settings(pool_size=20))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://second") as client:
            yield client


async def etag_of(client: httpx.AsyncClient, party: Party) -> str:
    """Return the entity tag that the party reads of itself."""
    answer = await client.get(f"/tenants/{party.tenant_id}", headers=party.headers)
    etag: str = answer.headers["ETag"]
    return etag


async def test_of_a_hundred_writers_exactly_one_succeeds(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A hundred PUTs at once on one ETag give one 200 and ninety-nine 412, one new version and one event."""
    parent = hsbc.parent
    etag = await etag_of(client, parent)

    answers = await asyncio.gather(
        *(replace(client, parent, parent.tenant_id, f"Writer {n}", If_Match=etag) for n in range(100))
    )

    assert Counter(map(outcome, answers)) == {"200": 1, STALE: 99}
    winner = next(answer for answer in answers if answer.status_code == 200)
    stored = await client.get(f"/tenants/{parent.tenant_id}", headers=parent.headers)
    assert stored.json() == winner.json()
    assert stored.headers["ETag"] == winner.headers["ETag"] == '"2"'
    assert await types_of(as_admin, parent.tenant_id) == ["created", "updated"]


async def test_two_instances_of_the_service_agree_on_one_winner(
    client: httpx.AsyncClient, second_client: httpx.AsyncClient, hsbc: Organization
) -> None:
    """Of a hundred writers through two instances exactly one succeeds."""
    parent = hsbc.parent
    etag = await etag_of(client, parent)
    clients = [client, second_client] * 50

    answers = await asyncio.gather(
        *(replace(each, parent, parent.tenant_id, f"Writer {n}", If_Match=etag) for n, each in enumerate(clients))
    )

    assert Counter(map(outcome, answers)) == {"200": 1, STALE: 99}


async def test_every_round_has_its_winner(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Ten clients that read, change and try again until it works all get through: no update is lost."""
    parent, counted = hsbc.parent, []

    async def increment() -> None:
        while True:
            read = await client.get(f"/tenants/{parent.tenant_id}", headers=parent.headers)
            count = read.json()["metadata"].get("count", 0) + 1
            written = await client.put(
                f"/tenants/{parent.tenant_id}",
                json={"name": parent.name, "metadata": {"count": count}},
                headers=parent.headers | {"If-Match": read.headers["ETag"]},
            )
            if written.status_code == 200:
                counted.append(count)
                return
            assert outcome(written) == STALE

    await asyncio.gather(*(increment() for _ in range(10)))
    assert sorted(counted) == list(range(1, 11))


async def test_of_many_deletes_exactly_one_succeeds(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """Fifty DELETEs at once on one ETag give one 204; for the others the tenant does not exist any more."""
    child = hsbc.subsidiaries[0]
    answers = await asyncio.gather(*(delete(client, hsbc.parent, child.tenant_id, If_Match='"1"') for _ in range(50)))
    assert Counter(map(outcome, answers)) == {"204": 1, "404 tenant_not_found": 49}
    assert await types_of(as_admin, child.tenant_id) == ["created", "deleted"]


async def test_a_change_and_a_deletion_of_one_version_exclude_each_other(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """Where PUT and DELETE name the same ETag, one of them succeeds, and the other's answer says which."""
    for child in hsbc.subsidiaries:
        tenant_id = child.tenant_id
        put, deletion = await asyncio.gather(
            replace(client, hsbc.parent, tenant_id, f"{child.name} renamed", If_Match='"1"'),
            delete(client, hsbc.parent, tenant_id, If_Match='"1"'),
        )
        if outcome(put) == "200":
            assert outcome(deletion) == STALE
            assert await types_of(as_admin, tenant_id) == ["created", "updated"]
        else:
            assert (outcome(put), outcome(deletion)) == ("404 tenant_not_found", "204")
            assert await types_of(as_admin, tenant_id) == ["created", "deleted"]


async def test_a_writer_waits_for_the_previous_one_and_then_sees_its_version(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A PUT that finds the row locked decides by the version that the lock's holder leaves, not by the one it read."""
    parent = hsbc.parent
    transaction = as_admin.transaction()
    await transaction.start()
    await as_admin.execute("UPDATE tenancy.tenants SET name = 'Held' WHERE tenant_id = $1", parent.tenant_id)
    waiting = [
        asyncio.create_task(replace(client, parent, parent.tenant_id, "Waited", If_Match='"1"')),
        asyncio.create_task(replace(client, parent, parent.tenant_id, "Waited", If_None_Match='"2"')),
    ]
    await asyncio.sleep(0.3)
    assert not any(task.done() for task in waiting)
    await transaction.commit()

    assert [outcome(answer) for answer in await asyncio.gather(*waiting)] == [STALE, STALE]
    stored = await client.get(f"/tenants/{parent.tenant_id}", headers=parent.headers)
    assert (stored.json()["name"], stored.json()["version"]) == ("Held", 2)


async def test_a_deletion_that_waits_sees_the_new_version_too(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """A cascade whose head changes while it waits is refused, and no subsidiary is deleted."""
    transaction = as_admin.transaction()
    await transaction.start()
    await as_admin.execute("UPDATE tenancy.tenants SET name = 'Held' WHERE tenant_id = $1", hsbc.parent.tenant_id)
    waiting = asyncio.create_task(
        delete(client, platform_operator, hsbc.parent.tenant_id, cascade=True, If_Match='"1"')
    )
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await transaction.commit()

    assert outcome(await waiting) == STALE
    for party in hsbc.subsidiaries:
        assert await types_of(as_admin, party.tenant_id) == ["created"]
