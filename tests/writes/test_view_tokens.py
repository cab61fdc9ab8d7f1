"""A platform operator acts as a tenant, and the tenant's audit trail says so."""

import asyncpg
import httpx

from tests.support.context import presenting
from tests.support.organization import Organization
from tests.support.problems import assert_problem
from tests.support.registry import Registry

EVENTS = "SELECT * FROM tenancy.tenant_events WHERE operator_token_id IS NOT NULL ORDER BY event_id"


async def test_the_tenant_sees_that_an_operator_looked(
    as_api: asyncpg.Connection, registry: Registry, hsbc: Organization, barclays: Organization
) -> None:
    """Issuing a view token is an event of the tenant, for it and its parent; it holds no hash, and others see none."""
    head, child = hsbc.parent.tenant_id, hsbc.subsidiaries[0].tenant_id
    operator = await registry.issue_operator_token(label="Anna")
    view = await registry.issue_view_token(operator, head, child)
    seen = []
    for party in (hsbc.parent, hsbc.subsidiaries[0], hsbc.subsidiaries[1], barclays.parent):
        async with presenting(as_api, party.token):
            seen.append(await as_api.fetch(EVENTS))

    assert seen[0] == seen[1]
    assert seen[2:] == [[], []]
    [event] = seen[0]
    assert (event["table_name"], event["event_type"], event["tenant_id"]) == ("access_tokens", "created", child)
    assert (event["token_label"], event["operator_label"], event["actor_tenant_id"]) == ("Anna", "Anna", None)
    assert event["token_id"] == event["operator_token_id"] == registry.token_id(operator)
    assert event["old_values"] is None
    assert {"token_id", "label", "may_write", "expires_at"} == {*httpx.Response(200, text=event["new_values"]).json()}
    assert str(registry.token_id(view)) in event["new_values"]


async def test_a_view_reads_over_http_and_writes_nothing(
    client: httpx.AsyncClient, registry: Registry, hsbc: Organization
) -> None:
    """A view token sees what the tenant sees; its writes are refused as those of any read-only token."""
    head = hsbc.parent.tenant_id
    view = await registry.issue_view_token(await registry.issue_operator_token(), head, head)
    headers = {"Authorization": f"Bearer {view}"}
    listed = await client.get("/tenants", headers=headers)
    deleted = await client.delete(f"/tenants/{hsbc.subsidiaries[0].tenant_id}", headers=headers)

    assert listed.json() == (await client.get("/tenants", headers=hsbc.parent.headers)).json()
    assert_problem(deleted, 403, "read_only_token")


async def test_the_trail_of_a_change_names_both(
    client: httpx.AsyncClient, as_api: asyncpg.Connection, registry: Registry, hsbc: Organization
) -> None:
    """A change through a view token that may write is the tenant's, with the operator behind it."""
    head = hsbc.parent.tenant_id
    operator = await registry.issue_operator_token(label="Anna")
    view = await registry.issue_view_token(operator, head, head, may_write=True)
    body = {"name": hsbc.parent.name, "metadata": {"seen": True}}
    replaced = await client.put(f"/tenants/{head}", json=body, headers={"Authorization": f"Bearer {view}"})
    async with presenting(as_api, hsbc.parent.token):
        _issued, changed = await as_api.fetch(EVENTS)

    assert replaced.status_code == 200
    assert (changed["event_type"], changed["table_name"]) == ("updated", "tenants")
    assert (changed["actor_tenant_id"], changed["token_label"], changed["operator_label"]) == (head, "view", "Anna")
