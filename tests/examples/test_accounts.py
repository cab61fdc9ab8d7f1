"""A table that one call protects: isolated like the tenants, and checked by the same rules."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import URL

from examples.accounts.app import create_accounts_app
from examples.accounts.install import install
from multi_tenant_db.lint.safety_check import check_database
from multi_tenant_db.testing.fixtures import AssertIsolated
from tests.support.audit import events_seen_by
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.problems import MEDIA_TYPE
from tests.support.registry import Registry
from tests.support.sources import ROOT
from tests.support.test_database import TestDatabase

LAYERS = ("account", "create_accounts", "account_repository", "account_service", "router")


@pytest.fixture(scope="module")
async def bank(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give a database with accounts."""
    async with fresh_database(server_url) as database:
        await install(database.admin_url)
        yield database


@pytest.fixture(scope="module")
def isolation_database(bank: TestDatabase) -> TestDatabase:
    """Use it for `assert_isolated`, too."""
    return bank


@pytest.fixture(scope="module")
async def service(bank: TestDatabase) -> AsyncIterator[FastAPI]:
    """Start the example, its check of the database included."""
    app = create_accounts_app(bank.settings())
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(service: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Call it."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service), base_url="http://service") as client:
        yield client


@dataclass(frozen=True)
class Banks:
    """Two organisations in which every tenant holds an account."""

    mine: Organization
    theirs: Organization
    operator: Party
    accounts: dict[UUID, str]


@pytest.fixture
async def banks(bank: TestDatabase, client: httpx.AsyncClient) -> Banks:
    """Make them, by requests of the holders."""
    connection = await bank.connect_as_operator()
    registry = Registry(connection)
    mine, theirs = await registry.create_organization("Mine"), await registry.create_organization("Theirs")
    operator = Party(uuid4(), "platform operator", await registry.issue_operator_token())
    await connection.close()
    accounts = {}
    for party in (*mine.parties, *theirs.parties):
        body = {"tenant_id": str(party.tenant_id), "name": "Current"}
        opened = await client.post("/accounts", json=body, headers=party.headers)
        assert opened.status_code == 201, opened.text
        accounts[party.tenant_id] = opened.json()["account_id"]
    return Banks(mine, theirs, operator, accounts)


async def seen(client: httpx.AsyncClient, party: Party) -> set[str]:
    """Return the tenants whose accounts the caller sees."""
    return {account["tenant_id"] for account in (await client.get("/accounts", headers=party.headers)).json()}


def ids(*parties: Party) -> set[str]:
    """Return tenants' ids as JSON has them."""
    return {str(party.tenant_id) for party in parties}


async def test_every_caller_sees_the_accounts_in_its_reach(client: httpx.AsyncClient, banks: Banks) -> None:
    """A parent sees the accounts of its organisation, a subsidiary its own, a platform operator all."""
    assert await seen(client, banks.mine.parent) == ids(*banks.mine.parties)
    assert await seen(client, banks.mine.subsidiaries[0]) == ids(banks.mine.subsidiaries[0])
    assert await seen(client, banks.operator) >= ids(*banks.mine.parties, *banks.theirs.parties)


async def test_without_a_token_there_is_no_access(client: httpx.AsyncClient) -> None:
    """No token and a made-up token are the service's own 401."""
    for headers in ({}, {"Authorization": "Bearer mtdb_unknown"}):
        response = await client.get("/accounts", headers=headers)
        assert (response.status_code, response.json()["code"]) == (401, "authentication_required")
        assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_stranger_can_neither_open_nor_book(client: httpx.AsyncClient, banks: Banks) -> None:
    """A foreign tenant and a foreign account are answered like absent ones."""
    stranger, target = banks.theirs.parent, banks.mine.subsidiaries[0]
    for tenant_id in (target.tenant_id, uuid4()):
        body = {"tenant_id": str(tenant_id), "name": "Hidden"}
        response = await client.post("/accounts", json=body, headers=stranger.headers)
        assert (response.status_code, response.json()["code"]) == (404, "tenant_not_found")
    for account_id in (banks.accounts[target.tenant_id], uuid4()):
        response = await client.post(f"/accounts/{account_id}/bookings", json={"amount": 1}, headers=stranger.headers)
        assert (response.status_code, response.json()["code"]) == (404, "account_not_found")
        assert response.headers["content-type"] == MEDIA_TYPE


async def test_a_parent_books_for_its_subsidiary_and_never_below_nothing(
    client: httpx.AsyncClient, banks: Banks
) -> None:
    """Bookings add up; the constraint refuses to overdraw, as a problem, and the balance stays."""
    parent, subsidiary = banks.mine.parent, banks.mine.subsidiaries[0]
    path = f"/accounts/{banks.accounts[subsidiary.tenant_id]}/bookings"
    assert (await client.post(path, json={"amount": 500}, headers=parent.headers)).json()["balance"] == 500
    refused = await client.post(path, json={"amount": -501}, headers=subsidiary.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_funds")
    assert (await client.post(path, json={"amount": -500}, headers=subsidiary.headers)).json()["balance"] == 0


async def test_accounts_go_with_their_tenant(client: httpx.AsyncClient, bank: TestDatabase, banks: Banks) -> None:
    """Deleting a subsidiary deletes its accounts; their events stay in the audit trail, for its parent."""
    gone = banks.mine.subsidiaries[1]
    response = await client.delete(f"/tenants/{gone.tenant_id}", headers=banks.mine.parent.headers)
    assert response.status_code == 204
    assert await seen(client, banks.mine.parent) == ids(banks.mine.parent, banks.mine.subsidiaries[0])

    service = await bank.connect_as_api()
    events = await events_seen_by(service, banks.mine.parent)
    await service.close()
    of_the_account = [
        event for event in events if (event["table_name"], event["tenant_id"]) == ("accounts", gone.tenant_id)
    ]
    assert [(event["event_type"], event["actor_tenant_id"]) for event in of_the_account] == [
        ("created", gone.tenant_id),
        ("deleted", banks.mine.parent.tenant_id),
    ]


async def test_sql_of_the_service_is_bound_as_well(bank: TestDatabase, banks: Banks) -> None:
    """Injected SQL without a filter reads only the caller's reach, and moves no account to another tenant."""
    connection = await bank.connect_as_api()
    everything = "SELECT tenant_id::text FROM tenancy.accounts"
    try:
        assert await connection.fetch(everything) == []
        async with connection.transaction():
            await connection.execute("SELECT tenancy.sign_in($1)", banks.theirs.parent.token)
            assert {row[0] for row in await connection.fetch(everything)} == ids(*banks.theirs.parties)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("UPDATE tenancy.accounts SET tenant_id = $1", banks.mine.parent.tenant_id)
    finally:
        await connection.close()


async def test_no_verb_reaches_beyond_a_caller(assert_isolated: AssertIsolated) -> None:
    """Every verb, tried as every caller, stays within the caller's reach."""
    await assert_isolated("tenancy.accounts", lambda tenant: {"name": f"Account of {tenant.name}"})


async def test_the_check_before_the_start_watches_the_table(bank: TestDatabase, service: FastAPI) -> None:
    """`mtdb check` has no finding on the protected table, and one after its protection is removed."""
    engine = service.state.servers.default.engine
    assert (await check_database(engine)).dangers == []
    admin = await bank.connect_as_admin()
    try:
        await admin.execute("ALTER TABLE tenancy.accounts NO FORCE ROW LEVEL SECURITY")
        assert any("tenancy.accounts" in str(danger) for danger in (await check_database(engine)).dangers)
    finally:
        await admin.execute("ALTER TABLE tenancy.accounts FORCE ROW LEVEL SECURITY")
        await admin.close()


def test_it_takes_less_than_two_hundred_lines() -> None:
    """Model, migration, repository, service and router together are as short as the guide says."""
    files = [ROOT / "examples" / "accounts" / f"{name}.py" for name in LAYERS]
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) < 200
