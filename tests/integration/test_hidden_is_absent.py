"""Tenants outside the caller's reach are reported as absent: in status, header, body, name, cursor and ETag."""

import copy
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from multi_tenant_db.models.page_cursor import PageCursor
from tests.support.answers import observable
from tests.support.bodies import a_parent, a_replacement, a_subsidiary_of
from tests.support.extent import part
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry

VALID = a_replacement("A valid name", country="GB")

REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "read": ("GET", "", {}),
    "read, If-None-Match its version": ("GET", "", {"headers": {"If-None-Match": '"1"'}}),
    "read, If-None-Match *": ("GET", "", {"headers": {"If-None-Match": "*"}}),
    "read, If-None-Match malformed": ("GET", "", {"headers": {"If-None-Match": "1"}}),
    "replace": ("PUT", "", {"json": VALID}),
    "replace, If-Match its version": ("PUT", "", {"json": VALID, "headers": {"If-Match": '"1"'}}),
    "replace, If-Match another version": ("PUT", "", {"json": VALID, "headers": {"If-Match": '"7"'}}),
    "replace, If-Match *": ("PUT", "", {"json": VALID, "headers": {"If-Match": "*"}}),
    "replace, If-Match malformed": ("PUT", "", {"json": VALID, "headers": {"If-Match": "1"}}),
    "replace, invalid body": ("PUT", "", {"json": {"name": ""}}),
    "replace, body too large once stored": ("PUT", "", {"json": a_replacement("x", numbers=[1e-300] * 400)}),
    "replace, malformed body": ("PUT", "", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    "replace, no body": ("PUT", "", {}),
    "delete": ("DELETE", "", {}),
    "delete, cascade": ("DELETE", "?cascade=true", {}),
    "delete, If-Match its version": ("DELETE", "", {"headers": {"If-Match": '"1"'}}),
    "delete, If-Match another version": ("DELETE", "?cascade=true", {"headers": {"If-Match": '"7"'}}),
    "delete, If-Match *": ("DELETE", "", {"headers": {"If-Match": "*"}}),
    "delete, invalid cascade": ("DELETE", "?cascade=perhaps", {}),
    "create under it": (
        "POST",
        "",
        {"json": a_subsidiary_of(UUID(int=0), "A new name")},
    ),
    "create a parent under it": ("POST", "", {"json": a_parent("A new name")}),
    "unknown method": ("PATCH", "", {"json": VALID}),
}

HIDDEN_FROM = [
    ("parent", "foreign parent"),
    ("parent", "foreign subsidiary"),
    ("subsidiary", "foreign parent"),
    ("subsidiary", "foreign subsidiary"),
    ("subsidiary", "own parent"),
    ("subsidiary", "sibling"),
]


@pytest.fixture
def parties(hsbc: Organization, barclays: Organization) -> dict[str, Party]:
    """Give each role in the table above its tenant; the caller is of HSBC."""
    return {
        "parent": hsbc.parent,
        "subsidiary": hsbc.subsidiaries[0],
        "own parent": hsbc.parent,
        "sibling": hsbc.subsidiaries[1],
        "foreign parent": barclays.parent,
        "foreign subsidiary": barclays.subsidiaries[0],
    }


async def ask(client: httpx.AsyncClient, caller: Party, request: str, tenant_id: UUID) -> httpx.Response:
    """Send the request, with the id in the path or, for POST, in the body."""
    method, query, contents = REQUESTS[request]
    contents = copy.deepcopy(contents)
    path = f"/tenants/{tenant_id}{query}"
    if method == "POST":
        path = "/tenants"
        contents["json"]["parent_tenant_id"] = str(tenant_id)
    contents["headers"] = contents.get("headers", {}) | caller.headers
    return await client.request(method, path, **contents)


@pytest.mark.parametrize("request_", part(REQUESTS, 2))
@pytest.mark.parametrize(("caller", "hidden"), part(HIDDEN_FROM, 2))
async def test_a_hidden_tenant_answers_as_an_absent_one(
    client: httpx.AsyncClient, parties: dict[str, Party], caller: str, hidden: str, request_: str
) -> None:
    """Every request for a hidden id gets the same status, headers and body as for an absent id."""
    of_the_hidden = await ask(client, parties[caller], request_, parties[hidden].tenant_id)
    of_an_absent = await ask(client, parties[caller], request_, uuid4())
    assert of_the_hidden.status_code in {400, 403, 404, 405, 415, 422}
    assert observable(of_the_hidden) == observable(of_an_absent)


@pytest.mark.parametrize("name_of", ["parent", "subsidiary"])
async def test_names_of_other_organizations_never_collide(
    client: httpx.AsyncClient, hsbc: Organization, barclays: Organization, name_of: str
) -> None:
    """A name that a stranger bears is free, to create and to rename, so trying names tells nothing."""
    name = barclays.parent.name if name_of == "parent" else barclays.subsidiaries[0].name
    created = await client.post("/tenants", headers=hsbc.parent.headers, json=a_subsidiary_of(hsbc.parent, name))
    assert created.status_code == 201
    await client.delete(created.headers["location"], headers=hsbc.parent.headers)
    path = f"/tenants/{hsbc.subsidiaries[0].tenant_id}"
    renamed = await client.put(path, headers=hsbc.parent.headers, json=a_replacement(name))
    assert (renamed.status_code, renamed.json()["name"]) == (200, name)


async def test_two_organizations_may_bear_one_name(client: httpx.AsyncClient, platform_operator: Party) -> None:
    """Two parents of the same name are two organisations."""
    body = a_parent()
    answers = [await client.post("/tenants", headers=platform_operator.headers, json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["tenant_id"] != answers[1].json()["tenant_id"]


@pytest.mark.parametrize("name_of", ["own parent", "sibling"])
async def test_a_subsidiary_learns_of_a_taken_name_and_of_nothing_else(
    client: httpx.AsyncClient, parties: dict[str, Party], name_of: str
) -> None:
    """Names are unique inside an organisation, so a rename may collide; the answer does not say with whom."""
    caller, other = parties["subsidiary"], parties[name_of]
    response = await client.put(f"/tenants/{caller.tenant_id}", headers=caller.headers, json=a_replacement(other.name))
    assert response.status_code == 409
    assert other.name not in response.text
    assert str(other.tenant_id) not in response.text


@pytest.mark.parametrize("caller", ["parent", "subsidiary"])
async def test_a_list_does_not_change_when_strangers_do(
    client: httpx.AsyncClient, parties: dict[str, Party], registry: Registry, caller: str
) -> None:
    """Organisations and subsidiaries that others add leave a caller's list as it was, byte for byte."""
    before = await client.get("/tenants", headers=parties[caller].headers)
    await registry.create_organization("Stranger")
    await registry.create_tenant(f"Stranger {uuid4()}", parties["foreign parent"].tenant_id)
    after = await client.get("/tenants", headers=parties[caller].headers)
    assert observable(after) == observable(before)


@pytest.mark.parametrize("caller", ["parent", "subsidiary"])
@pytest.mark.parametrize("limit", [1, 2, 1000])
async def test_a_strangers_cursor_shows_only_the_callers_own_tenants(
    client: httpx.AsyncClient, registry: Registry, caller: str, limit: int
) -> None:
    """A cursor is a position, not a permission: the caller sees only its own reach, before or after that position."""
    earlier, between, later = [await registry.create_organization() for _ in range(3)]
    me = between.parent if caller == "parent" else between.subsidiaries[0]
    mine = between.parties if caller == "parent" else [me]
    for stranger, seen in ((earlier, mine), (later, [])):
        page = await client.get("/tenants", headers=stranger.parent.headers, params={"limit": 1})
        parameters: dict[str, str | int] = {"limit": limit, "cursor": page.json()["next_cursor"]}
        response = await client.get("/tenants", headers=me.headers, params=parameters)
        assert [item["tenant_id"] for item in response.json()["items"]] == [
            str(party.tenant_id) for party in seen[:limit]
        ]


async def test_a_cursor_of_a_hidden_tenant_works_as_one_of_an_absent_tenant(
    client: httpx.AsyncClient, hsbc: Organization, barclays: Organization
) -> None:
    """Whether the tenant that a cursor names exists makes no difference."""
    hidden = barclays.subsidiaries[0].tenant_id
    answers = []
    for tenant_id in (hidden, UUID(int=hidden.int ^ 1)):
        cursor = PageCursor(barclays.parent.tenant_id, tenant_id).encode()
        parameters: dict[str, str | int] = {"limit": 1, "cursor": cursor}
        answers.append(await client.get("/tenants", headers=hsbc.parent.headers, params=parameters))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert observable(answers[0]) == observable(answers[1])


async def test_an_etag_of_a_stranger_says_nothing(
    client: httpx.AsyncClient, hsbc: Organization, barclays: Organization
) -> None:
    """ETags count one tenant's versions: a stranger's tag neither proves nor disproves a change."""
    path = f"/tenants/{barclays.parent.tenant_id}"
    tags = [(await client.get(path, headers=barclays.parent.headers)).headers["etag"]]
    changed = await client.put(path, headers=barclays.parent.headers, json=a_replacement())
    tags.append(changed.headers["etag"])
    answers = [await client.get(path, headers=hsbc.parent.headers | {"If-None-Match": tag}) for tag in [*tags, '"999"']]
    assert {answer.status_code for answer in answers} == {404}
    assert len({observable(answer)[2] for answer in answers}) == 1
