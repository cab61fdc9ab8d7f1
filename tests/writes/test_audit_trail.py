"""Every change over HTTP, and nothing else, leaves one event with actor, change, time and request id."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from tests.support.audit import count_events, events_of, events_seen_by, token_id_of, types_of
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.requests import create, delete, new_subsidiary, outcome, replace

Refused = Callable[[httpx.AsyncClient, Organization, Organization], Awaitable[httpx.Response]]

REFUSED: dict[str, tuple[str, Refused]] = {
    "a parent by a parent": (
        "403 operation_not_permitted",
        lambda client, hsbc, _: create(client, hsbc.parent, {"name": "New", "tenant_type": "parent"}),
    ),
    "a subsidiary of a stranger": (
        "403 operation_not_permitted",
        lambda client, hsbc, barclays: create(client, hsbc.parent, new_subsidiary(barclays.parent)),
    ),
    "a name that is taken": (
        "409 name_taken",
        lambda client, hsbc, _: create(client, hsbc.parent, new_subsidiary(hsbc.parent, hsbc.subsidiaries[0].name)),
    ),
    "an invalid body": (
        "422 invalid_request",
        lambda client, hsbc, _: create(client, hsbc.parent, new_subsidiary(hsbc.parent, " ")),
    ),
    "changing a stranger": (
        "404 tenant_not_found",
        lambda client, hsbc, barclays: replace(client, hsbc.parent, barclays.parent.tenant_id, "Mine"),
    ),
    "changing a sibling": (
        "404 tenant_not_found",
        lambda client, hsbc, _: replace(client, hsbc.subsidiaries[0], hsbc.subsidiaries[1].tenant_id, "Mine"),
    ),
    "changing an older version": (
        "412 precondition_failed",
        lambda client, hsbc, _: replace(client, hsbc.parent, hsbc.parent.tenant_id, "Late", If_Match='"9"'),
    ),
    "taking a sibling's name": (
        "409 name_taken",
        lambda client, hsbc, _: replace(
            client, hsbc.subsidiaries[0], hsbc.subsidiaries[0].tenant_id, hsbc.subsidiaries[1].name
        ),
    ),
    "deleting oneself with all subsidiaries": (
        "403 operation_not_permitted",
        lambda client, hsbc, _: delete(client, hsbc.parent, hsbc.parent.tenant_id, cascade=True),
    ),
    "deleting a stranger": (
        "404 tenant_not_found",
        lambda client, hsbc, barclays: delete(client, hsbc.parent, barclays.subsidiaries[0].tenant_id),
    ),
}


async def test_each_verb_leaves_one_event(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """POST, PUT and DELETE each add one event with who, what, when and the request's id."""
    began = datetime.now(UTC)
    requests = [f"request-{verb}-{uuid4().hex[:8]}" for verb in ("create", "update", "delete")]
    body = new_subsidiary(hsbc.parent, "Branch [bold]'; DROP TABLE--")

    created = await create(client, hsbc.parent, body, X_Request_ID=requests[0])
    tenant_id = UUID(created.json()["tenant_id"])
    await replace(client, hsbc.parent, tenant_id, "Renamed", X_Request_ID=requests[1])
    await delete(client, hsbc.parent, tenant_id, X_Request_ID=requests[2])

    events = await events_of(as_admin, tenant_id)
    before = {
        "name": body["name"],
        "tenant_type": "subsidiary",
        "parent_tenant_id": str(hsbc.parent.tenant_id),
        "metadata": {"country": "HK"},
        "version": 1,
    }
    after = before | {"name": "Renamed", "metadata": {"renamed": True}, "version": 2}
    changes = [
        tuple(json.loads(event[side]) if event[side] else None for side in ("old_values", "new_values"))
        for event in events
    ]
    assert [event["event_type"] for event in events] == ["created", "updated", "deleted"]
    assert changes == [(None, before), (before, after), (after, None)]
    assert [event["request_id"] for event in events] == requests
    token_id = await token_id_of(as_admin, hsbc.parent.token)
    for event in events:
        assert event["organization_id"] == hsbc.parent.tenant_id
        assert (event["token_id"], event["token_label"]) == (token_id, "test")
        assert event["actor_tenant_id"] == hsbc.parent.tenant_id
        assert event["database_role"] == "tenancy_api"
        assert began <= event["occurred_at"] <= datetime.now(UTC)


async def test_an_event_names_the_token_not_only_the_tenant(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """Who acted is told apart: a subsidiary for itself, its parent for it, a platform operator for it."""
    child = hsbc.subsidiaries[0]
    for party in (child, hsbc.parent, platform_operator):
        assert (await replace(client, party, child.tenant_id, f"By {party.name}")).status_code == 200

    events = (await events_of(as_admin, child.tenant_id))[1:]
    assert [event["actor_tenant_id"] for event in events] == [child.tenant_id, hsbc.parent.tenant_id, None]
    parties = (child, hsbc.parent, platform_operator)
    assert [event["token_id"] for event in events] == [await token_id_of(as_admin, party.token) for party in parties]


async def test_a_request_without_an_id_is_recorded_under_the_one_it_was_given(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """The X-Request-ID of the answer leads to the event, also where the client sent none or a malformed one."""
    for sent in ({}, {"X_Request_ID": "short"}):
        answer = await replace(client, hsbc.parent, hsbc.parent.tenant_id, f"HSBC {uuid4()}", **sent)
        event = (await events_of(as_admin, hsbc.parent.tenant_id))[-1]
        assert event["request_id"] == answer.headers["X-Request-ID"] != "short"


@pytest.mark.parametrize("attempt", REFUSED)
async def test_a_refused_change_leaves_nothing(
    client: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    barclays: Organization,
    attempt: str,
) -> None:
    """A change that is refused, for whatever reason, adds no event anywhere."""
    expected, send = REFUSED[attempt]
    before = await count_events(as_admin)
    assert outcome(await send(client, hsbc, barclays)) == expected
    assert await count_events(as_admin) == before


async def test_reading_leaves_nothing(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """Reading adds no event."""
    before = await count_events(as_admin)
    for path in ("/tenants", f"/tenants/{hsbc.parent.tenant_id}", "/health"):
        assert (await client.get(path, headers=hsbc.parent.headers)).status_code == 200
    assert await count_events(as_admin) == before


async def test_a_change_that_changes_nothing_is_recorded(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """Writing the same values raises the version, so it is an event like any other."""
    for _ in range(2):
        await replace(client, hsbc.parent, hsbc.parent.tenant_id, hsbc.parent.name)
    assert await types_of(as_admin, hsbc.parent.tenant_id) == ["created", "updated", "updated"]


async def test_a_cascade_records_every_tenant_it_deletes(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """One request that deletes an organisation adds an event for each of its tenants, all with its request id."""
    request_id = f"cascade-{uuid4().hex[:8]}"
    answer = await delete(client, platform_operator, hsbc.parent.tenant_id, cascade=True, X_Request_ID=request_id)
    assert answer.status_code == 204
    for party in hsbc.parties:
        events = await events_of(as_admin, party.tenant_id)
        assert [event["event_type"] for event in events] == ["created", "deleted"]
        assert events[-1]["request_id"] == request_id
        assert json.loads(events[-1]["old_values"])["name"] == party.name


async def test_events_outlive_their_tenant_for_those_above_it(
    client: httpx.AsyncClient,
    as_api: asyncpg.Connection,
    hsbc: Organization,
    barclays: Organization,
    platform_operator: Party,
) -> None:
    """A deleted subsidiary's events are seen by its parent and by platform operators, by no sibling and no stranger."""
    gone, sibling = hsbc.subsidiaries
    assert (await delete(client, hsbc.parent, gone.tenant_id)).status_code == 204

    async def sees(party: Party, *, as_platform: bool = False) -> list[str]:
        events = await events_seen_by(as_api, party, as_platform=as_platform)
        return [event["event_type"] for event in events if event["tenant_id"] == gone.tenant_id]

    assert await sees(hsbc.parent) == ["created", "deleted"]
    assert await sees(platform_operator, as_platform=True) == ["created", "deleted"]
    assert [await sees(party) for party in (sibling, *barclays.parties)] == [[]] * 4


async def test_a_deleted_organisation_is_seen_by_platform_operators_only(
    client: httpx.AsyncClient,
    as_api: asyncpg.Connection,
    hsbc: Organization,
    barclays: Organization,
    platform_operator: Party,
) -> None:
    """After the head is deleted, only a platform operator reads the organisation's events."""
    assert (await delete(client, platform_operator, hsbc.parent.tenant_id, cascade=True)).status_code == 204
    ids = {party.tenant_id for party in hsbc.parties}
    seen = await events_seen_by(as_api, platform_operator, as_platform=True)
    assert {event["tenant_id"] for event in seen} >= ids
    for party in barclays.parties:
        assert not ids & {event["tenant_id"] for event in await events_seen_by(as_api, party)}


async def test_changing_at_the_same_time_loses_no_event(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """Sixty changes at once leave sixty events, whose old and new values form one unbroken chain of versions."""
    answers = await asyncio.gather(
        *(
            replace(client, hsbc.parent, hsbc.parent.tenant_id, f"HSBC {n}", X_Request_ID=f"race-{n:04}")
            for n in range(60)
        )
    )
    assert [answer.status_code for answer in answers] == [200] * 60

    events = (await events_of(as_admin, hsbc.parent.tenant_id))[1:]
    events.sort(key=lambda event: json.loads(event["new_values"])["version"])
    assert [json.loads(event["new_values"])["version"] for event in events] == list(range(2, 62))
    assert all(earlier["new_values"] == later["old_values"] for earlier, later in pairwise(events))
    assert {event["request_id"] for event in events} == {f"race-{n:04}" for n in range(60)}
    by_request = {event["request_id"]: json.loads(event["new_values"]) for event in events}
    assert all(by_request[a.headers["X-Request-ID"]]["version"] == a.json()["version"] for a in answers)
