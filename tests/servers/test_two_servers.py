"""Each organisation on its own server, and nothing of it on another."""

from collections.abc import AsyncIterator
from time import monotonic
from uuid import uuid4

import asyncpg
import httpx
import pytest

from multi_tenant_db.identity.access_token import hash_access_token, new_access_token
from tests.support.bodies import a_replacement, a_subsidiary_of
from tests.support.organization import Organization
from tests.support.own_service import own_service
from tests.support.party import Party
from tests.support.registry import ISSUE_FOR_TENANT, LIFETIME, Registry
from tests.support.test_database import TestDatabase


@pytest.fixture
async def client(database: TestDatabase, second_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Ask a service with two servers."""
    async with own_service(database.settings(servers={"b": second_url})) as (_, client):
        yield client


async def seen_by(client: httpx.AsyncClient, party: Party) -> set[str]:
    """Return the names that a caller's list holds."""
    response = await client.get("/tenants", params={"limit": 1000}, headers=party.headers)
    assert response.status_code == 200
    return {tenant["name"] for tenant in response.json()["items"]}


def names(*organizations: Organization) -> set[str]:
    """Return the names of all tenants of organisations."""
    return {party.name for organization in organizations for party in organization.parties}


async def test_each_caller_sees_its_organisation(
    client: httpx.AsyncClient, hsbc: Organization, lloyds: Organization
) -> None:
    """Whichever server it lives on; a subsidiary sees itself."""
    for organization in (hsbc, lloyds):
        assert await seen_by(client, organization.parent) == names(organization)
        for subsidiary in organization.subsidiaries:
            assert await seen_by(client, subsidiary) == {subsidiary.name}


async def test_every_request_reaches_the_callers_server(
    client: httpx.AsyncClient, lloyds: Organization, second_database: TestDatabase
) -> None:
    """Tenants are created, replaced and deleted where the organisation lives, with the audit trail there."""
    parent = lloyds.parent
    created = await client.post("/tenants", json=a_subsidiary_of(parent), headers=parent.headers)
    assert created.status_code == 201
    path = f"/tenants/{created.json()['tenant_id']}"
    assert (await client.get(path, headers=parent.headers)).json() == created.json()
    assert (await client.put(path, json=a_replacement(), headers=parent.headers)).status_code == 200
    assert (await client.delete(path, headers=parent.headers)).status_code == 204
    admin = await second_database.connect_as_admin()
    events = await admin.fetch(
        "SELECT event_type FROM tenancy.tenant_events WHERE tenant_id = $1 ORDER BY event_id",
        created.json()["tenant_id"],
    )
    await admin.close()
    assert [event["event_type"] for event in events] == ["created", "updated", "deleted"]


async def test_ids_of_another_server_do_not_exist(
    client: httpx.AsyncClient, hsbc: Organization, lloyds: Organization
) -> None:
    """They are answered as random ids are."""
    for caller, stranger in ((hsbc.parent, lloyds.parent), (lloyds.parent, hsbc.parent)):
        for tenant_id in (stranger.tenant_id, uuid4()):
            path = f"/tenants/{tenant_id}"
            assert (await client.get(path, headers=caller.headers)).status_code == 404
            assert (await client.put(path, json=a_replacement(), headers=caller.headers)).status_code == 404
            assert (await client.delete(path, headers=caller.headers)).status_code == 404
        stolen = await client.post("/tenants", json=a_subsidiary_of(stranger), headers=caller.headers)
        assert stolen.status_code == 403


async def test_a_platform_operator_reaches_one_server(
    client: httpx.AsyncClient, registry: Registry, second_registry: Registry, hsbc: Organization, lloyds: Organization
) -> None:
    """The token belongs to one server, and so does its reach."""
    for operators, theirs, others in ((registry, hsbc, lloyds), (second_registry, lloyds, hsbc)):
        operator = Party(uuid4(), "platform operator", await operators.issue_operator_token())
        assert (await client.get(f"/tenants/{theirs.parent.tenant_id}", headers=operator.headers)).status_code == 200
        assert (await client.get(f"/tenants/{others.parent.tenant_id}", headers=operator.headers)).status_code == 404


@pytest.mark.parametrize("label", ["", "b.", "c.", "default.", "B.", "b.b.", "b", ".", "a.b."])
async def test_a_label_grants_nothing(
    client: httpx.AsyncClient, hsbc: Organization, lloyds: Organization, label: str
) -> None:
    """A token with another label than its own, none, an unknown or a malformed one is refused."""
    for organization in (hsbc, lloyds):
        own = organization.parent.token
        secret = own.removeprefix("mtdb_").removeprefix("b.")
        forged = f"mtdb_{label}{secret}"
        response = await client.get("/tenants", headers={"Authorization": f"Bearer {forged}"})
        assert response.status_code == (200 if forged == own else 401), forged


async def test_a_cursor_of_another_server_shows_nothing_of_it(
    client: httpx.AsyncClient, hsbc: Organization, lloyds: Organization
) -> None:
    """A page continued with it holds own tenants only."""
    page = (await client.get("/tenants", params={"limit": 1}, headers=hsbc.parent.headers)).json()
    response = await client.get(
        "/tenants", params={"cursor": page["next_cursor"], "limit": 1000}, headers=lloyds.parent.headers
    )
    assert response.status_code == 200
    assert {tenant["name"] for tenant in response.json()["items"]} <= names(lloyds)


async def test_an_idempotency_key_counts_on_its_own_server(
    client: httpx.AsyncClient, hsbc: Organization, lloyds: Organization
) -> None:
    """Two organisations that choose the same key get an answer each."""
    key = {"Idempotency-Key": uuid4().hex}
    for party in (hsbc.parent, lloyds.parent):
        first, again = [
            await client.post("/tenants", json=a_subsidiary_of(party, "Same"), headers=party.headers | key)
            for _ in range(2)
        ]
        assert first.status_code == again.status_code == 201
        assert first.json() == again.json()
        assert first.json()["parent_tenant_id"] == str(party.tenant_id)


@pytest.mark.parametrize("label", ["default", "b"])
async def test_a_token_that_two_servers_know_reaches_the_one_it_names(  # noqa: PLR0913, PLR0917 - fixtures
    client: httpx.AsyncClient,
    database: TestDatabase,
    second_operator: asyncpg.Connection,
    hsbc: Organization,
    lloyds: Organization,
    label: str,
) -> None:
    """Should a copied row make the same token valid on both, each request still has one organisation."""
    token = new_access_token(label)
    operator = await database.connect_as_operator()
    for connection, party in ((operator, hsbc.parent), (second_operator, lloyds.parent)):
        await connection.execute(
            ISSUE_FOR_TENANT, hash_access_token(token), party.tenant_id, party.tenant_id, "copied", LIFETIME
        )
    await operator.close()
    caller = Party(uuid4(), "copied", token)
    expected = names(hsbc) if label == "default" else names(lloyds)
    for _ in range(3):
        assert await seen_by(client, caller) == expected


async def test_a_write_is_noted_wherever_the_organisation_lives(
    database: TestDatabase, second_url: str, lloyds: Organization
) -> None:
    """It may have moved from a server whose standby still has its rows: reads there wait for later ones."""
    nowhere = "postgresql://127.0.0.1:1/tenancy"
    settings = database.settings(servers={"b": second_url}, read_database_url=nowhere)
    async with own_service(settings) as (app, client):
        reads = app.state.servers.default.reads
        assert reads.write_times.latest(lloyds.parent.tenant_id) == 0.0
        before = monotonic()
        path = f"/tenants/{lloyds.parent.tenant_id}"
        assert (await client.put(path, json=a_replacement(), headers=lloyds.parent.headers)).status_code == 200
        assert reads.write_times.latest(lloyds.parent.tenant_id) > before
