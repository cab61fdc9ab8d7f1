"""Read-only tokens over HTTP: they read like others, and every write is one problem."""

import httpx
import pytest

from tests.support.organization import Organization
from tests.support.problems import assert_problem
from tests.support.registry import Registry
from tests.support.requests import new_subsidiary


@pytest.fixture
async def readers(registry: Registry, hsbc: Organization) -> list[dict[str, str]]:
    """Give the headers of read-only tokens: of the parent, of a subsidiary, of a platform operator."""
    head = hsbc.parent.tenant_id
    tokens = [
        await registry.issue_token(head, head, may_write=False),
        await registry.issue_token(head, hsbc.subsidiaries[0].tenant_id, may_write=False),
        await registry.issue_operator_token(may_write=False),
    ]
    return [{"Authorization": f"Bearer {token}"} for token in tokens]


async def test_it_reads(client: httpx.AsyncClient, hsbc: Organization, readers: list[dict[str, str]]) -> None:
    """A page and a tenant are returned as for any token of the caller."""
    child = hsbc.subsidiaries[0].tenant_id
    for headers in readers:
        listed = await client.get("/tenants?limit=1", headers=headers)
        assert (listed.status_code, len(listed.json()["items"])) == (200, 1)
        assert (await client.get(f"/tenants/{child}", headers=headers)).json()["tenant_id"] == str(child)


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "a-key"}])
async def test_a_creation_is_refused(
    client: httpx.AsyncClient, hsbc: Organization, readers: list[dict[str, str]], key: dict[str, str]
) -> None:
    """POST is 403 with its own code, also where the token's kind may not create at all; its key stays free."""
    body = new_subsidiary(hsbc.parent)
    for headers in readers:
        assert_problem(await client.post("/tenants", json=body, headers=headers | key), 403, "read_only_token")
    created = await client.post("/tenants", json=body, headers=hsbc.parent.headers | key)
    assert created.status_code == 201


@pytest.mark.parametrize("whose", ["own", "another's"])
async def test_changes_and_deletions_are_refused(
    client: httpx.AsyncClient, hsbc: Organization, barclays: Organization, readers: list[dict[str, str]], whose: str
) -> None:
    """PUT and DELETE are the same 403 for a tenant within reach and for one that does not exist for the caller."""
    target = (hsbc if whose == "own" else barclays).subsidiaries[0]
    for headers in readers:
        for condition in ({}, {"If-Match": '"1"'}):
            body = {"name": "renamed", "metadata": {}}
            replaced = await client.put(f"/tenants/{target.tenant_id}", json=body, headers=headers | condition)
            deleted = await client.delete(f"/tenants/{target.tenant_id}", headers=headers | condition)
            assert_problem(replaced, 403, "read_only_token")
            assert_problem(deleted, 403, "read_only_token")
    kept = await client.get(f"/tenants/{hsbc.subsidiaries[0].tenant_id}", headers=hsbc.parent.headers)
    assert kept.json()["name"] == hsbc.subsidiaries[0].name
