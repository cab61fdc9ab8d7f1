"""Quotas over HTTP: a 409 with the number, which a client can act on, and which leaves nothing behind."""

from uuid import uuid4

import asyncpg
import httpx

from tests.support.audit import count_events
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.problems import assert_problem
from tests.support.registry import Registry
from tests.support.requests import create, delete, new_subsidiary, outcome, replace

REACHED = "409 subsidiary_quota_reached"


async def test_a_refusal_says_the_number(
    client: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    registry: Registry,
    hsbc: Organization,
    platform_operator: Party,
) -> None:
    """The parent, and an operator for it, learn how many subsidiaries there may be; no event is written."""
    for maximum, words in ((2, "2 subsidiaries"), (1, "1 subsidiary"), (0, "0 subsidiaries")):
        await registry.set_quota(hsbc.parent.tenant_id, maximum)
        before = await count_events(as_admin)
        for caller in (hsbc.parent, platform_operator):
            answer = await create(client, caller, new_subsidiary(hsbc.parent))
            assert_problem(answer, 409, "subsidiary_quota_reached")
            assert answer.json()["detail"].startswith(f"The organisation may have at most {words}. ")
        assert await count_events(as_admin) == before


async def test_room_is_made_by_deleting_or_by_the_operator(
    client: httpx.AsyncClient, registry: Registry, hsbc: Organization
) -> None:
    """After a deletion, a higher quota or none, the same request succeeds; other requests always did."""
    await registry.set_quota(hsbc.parent.tenant_id, 2)
    body = new_subsidiary(hsbc.parent)
    assert outcome(await create(client, hsbc.parent, body)) == REACHED
    assert outcome(await replace(client, hsbc.parent, hsbc.subsidiaries[0].tenant_id, "Renamed")) == "200"
    assert outcome(await delete(client, hsbc.parent, hsbc.subsidiaries[0].tenant_id)) == "204"
    assert outcome(await create(client, hsbc.parent, body)) == "201"
    assert outcome(await create(client, hsbc.parent, new_subsidiary(hsbc.parent))) == REACHED
    await registry.set_quota(hsbc.parent.tenant_id, 3)
    assert outcome(await create(client, hsbc.parent, new_subsidiary(hsbc.parent))) == "201"
    assert await registry.remove_quota(hsbc.parent.tenant_id)
    assert outcome(await create(client, hsbc.parent, new_subsidiary(hsbc.parent))) == "201"


async def test_the_idempotency_key_of_a_refused_creation_is_free(
    client: httpx.AsyncClient, registry: Registry, hsbc: Organization
) -> None:
    """A refusal is not remembered: the same request with the same key succeeds when there is room."""
    await registry.set_quota(hsbc.parent.tenant_id, 2)
    body, key = new_subsidiary(hsbc.parent), f"key-{uuid4()}"
    for _ in range(2):
        assert outcome(await create(client, hsbc.parent, body, Idempotency_Key=key)) == REACHED
    await registry.set_quota(hsbc.parent.tenant_id, 3)
    first = await create(client, hsbc.parent, body, Idempotency_Key=key)
    again = await create(client, hsbc.parent, body, Idempotency_Key=key)
    assert (outcome(first), again.content) == ("201", first.content)


async def test_a_full_organisation_changes_no_other_answer(
    client: httpx.AsyncClient, registry: Registry, hsbc: Organization, barclays: Organization, platform_operator: Party
) -> None:
    """Who may not create is told so, as without a quota; another organisation and new parents are not limited."""
    await registry.set_quota(hsbc.parent.tenant_id, 2)
    for caller in (hsbc.subsidiaries[0], barclays.parent, barclays.subsidiaries[0]):
        assert outcome(await create(client, caller, new_subsidiary(hsbc.parent))) == "403 operation_not_permitted"
    assert outcome(await create(client, barclays.parent, new_subsidiary(barclays.parent))) == "201"
    new_parent = {"name": f"Bank {uuid4().hex[:8]}", "tenant_type": "parent"}
    assert outcome(await create(client, platform_operator, new_parent)) == "201"
    absent = new_subsidiary(Party(uuid4(), "absent", ""))
    assert outcome(await create(client, platform_operator, absent)) == "422 parent_not_found"
