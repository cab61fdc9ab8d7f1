"""`GET /tenants`."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from multi_tenant_db.models.page_cursor import PageCursor
from tests.support.bodies import a_replacement, a_subsidiary_of
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.problems import pointers
from tests.support.registry import Registry


async def list_all(client: httpx.AsyncClient, caller: Party, **parameters: Any) -> list[dict[str, Any]]:
    """Follow the Link headers to the end, checking each page on the way."""
    items: list[dict[str, Any]] = []
    request = client.build_request("GET", "/tenants", headers=caller.headers, params=parameters)
    while True:
        response = await client.send(request)
        assert response.status_code == 200
        page = response.json()
        assert not [item for item in page["items"] if item in items], "a page repeats what an earlier one showed"
        items += page["items"]
        assert len(page["items"]) <= parameters.get("limit", 100)
        if page["next_cursor"] is None:
            assert "link" not in response.headers
            return items
        assert len(page["items"]) == parameters.get("limit", 100), "only the last page is short"
        link = response.links["next"]["url"]
        expected = httpx.QueryParams(parameters).set("cursor", page["next_cursor"])
        assert dict(httpx.URL(link).params) == dict(expected)
        request = client.build_request("GET", link, headers=caller.headers)


def ids(items: list[dict[str, Any]]) -> list[UUID]:
    """Return the tenants' ids, in the list's order."""
    return [UUID(item["tenant_id"]) for item in items]


async def test_a_parent_lists_its_organization(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """The head comes first, then its subsidiaries as they were created, each as reading it shows it."""
    items = await list_all(client, hsbc.parent)
    assert ids(items) == [party.tenant_id for party in hsbc.parties]
    for item in items:
        read = await client.get(f"/tenants/{item['tenant_id']}", headers=hsbc.parent.headers)
        assert read.json() == item


async def test_a_subsidiary_lists_itself(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """One item, and no next page, whatever its siblings are."""
    for subsidiary in hsbc.subsidiaries:
        assert ids(await list_all(client, subsidiary)) == [subsidiary.tenant_id]


@pytest.mark.parametrize("limit", range(1, 9))
async def test_pages_of_any_size_show_everything_once(
    client: httpx.AsyncClient, registry: Registry, limit: int
) -> None:
    """From one on a page to more than there are: every tenant, once, in key order, and an end."""
    organization = await registry.create_organization(subsidiaries=6)
    items = await list_all(client, organization.parent, limit=limit)
    assert ids(items) == [party.tenant_id for party in organization.parties]


async def test_a_full_last_page_is_the_last(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """When the limit is exactly what there is, no empty page follows."""
    response = await client.get("/tenants", headers=hsbc.parent.headers, params={"limit": 3})
    assert (len(response.json()["items"]), response.json()["next_cursor"]) == (3, None)


async def test_a_page_holds_a_hundred_unless_told_otherwise(client: httpx.AsyncClient, registry: Registry) -> None:
    """A hundred and one tenants take two pages, or one when asked."""
    organization = await registry.create_organization(subsidiaries=100)
    first = (await client.get("/tenants", headers=organization.parent.headers)).json()
    assert len(first["items"]) == 100
    assert first["next_cursor"] is not None
    assert len(await list_all(client, organization.parent)) == 101
    whole = await client.get("/tenants", headers=organization.parent.headers, params={"limit": 1000})
    assert (len(whole.json()["items"]), whole.json()["next_cursor"]) == (101, None)


@pytest.mark.parametrize("limit", [7, 1000])
async def test_a_platform_operator_lists_organization_by_organization(
    client: httpx.AsyncClient, hsbc: Organization, barclays: Organization, platform_operator: Party, limit: int
) -> None:
    """All tenants in key order, so each organisation stands together with its head before its subsidiaries."""
    listed = ids(await list_all(client, platform_operator, limit=limit))
    assert len(listed) == len(set(listed))
    for organization in (hsbc, barclays):
        start = listed.index(organization.parent.tenant_id)
        assert listed[start : start + 3] == [party.tenant_id for party in organization.parties]


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_a_list_may_be_of_one_type(client: httpx.AsyncClient, hsbc: Organization, limit: int) -> None:
    """A parent finds itself among the parents and its subsidiaries among the subsidiaries, page by page."""
    parents = await list_all(client, hsbc.parent, limit=limit, tenant_type="parent")
    subsidiaries = await list_all(client, hsbc.parent, limit=limit, tenant_type="subsidiary")
    assert ids(parents) == [hsbc.parent.tenant_id]
    assert ids(subsidiaries) == [party.tenant_id for party in hsbc.subsidiaries]


async def test_a_subsidiary_finds_no_parent(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """The filter does not widen the caller's reach."""
    caller = hsbc.subsidiaries[0]
    assert await list_all(client, caller, tenant_type="parent") == []
    assert ids(await list_all(client, caller, tenant_type="subsidiary")) == [caller.tenant_id]


async def test_a_platform_operator_filters_all_organizations(
    client: httpx.AsyncClient, hsbc: Organization, barclays: Organization, platform_operator: Party
) -> None:
    """The heads of all banks and all their subsidiaries together are the whole list."""
    parents = await list_all(client, platform_operator, limit=50, tenant_type="parent")
    subsidiaries = await list_all(client, platform_operator, limit=50, tenant_type="subsidiary")
    assert {item["tenant_type"] for item in parents} == {"parent"}
    assert {item["tenant_type"] for item in subsidiaries} == {"subsidiary"}
    assert {hsbc.parent.tenant_id, barclays.parent.tenant_id} <= set(ids(parents))
    everything = await list_all(client, platform_operator, limit=1000)
    assert sorted(ids(everything)) == sorted(ids(parents + subsidiaries))


async def test_a_tenant_added_while_paging_is_found(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """New subsidiaries come at the end, so a client that is paging meets them, and no tenant twice."""
    first = (await client.get("/tenants", headers=hsbc.parent.headers, params={"limit": 2})).json()
    added = await client.post("/tenants", headers=hsbc.parent.headers, json=a_subsidiary_of(hsbc.parent))
    rest = await list_all(client, hsbc.parent, limit=2, cursor=first["next_cursor"])
    assert ids(rest) == [hsbc.subsidiaries[1].tenant_id, UUID(added.json()["tenant_id"])]


async def test_a_tenant_deleted_while_paging_does_not_end_the_list(
    client: httpx.AsyncClient, hsbc: Organization
) -> None:
    """A cursor stays good when the tenant it was made of is gone."""
    first = (await client.get("/tenants", headers=hsbc.parent.headers, params={"limit": 2})).json()
    await client.delete(f"/tenants/{hsbc.subsidiaries[0].tenant_id}", headers=hsbc.parent.headers)
    rest = await list_all(client, hsbc.parent, limit=2, cursor=first["next_cursor"])
    assert ids(rest) == [hsbc.subsidiaries[1].tenant_id]


async def test_a_change_moves_nothing(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """The order is that of the keys, so a new name or version leaves every tenant in its place."""
    body = a_replacement("AAA first by name")
    await client.put(f"/tenants/{hsbc.subsidiaries[1].tenant_id}", headers=hsbc.parent.headers, json=body)
    items = await list_all(client, hsbc.parent)
    assert ids(items) == [party.tenant_id for party in hsbc.parties]
    assert (items[2]["name"], items[2]["version"]) == (body["name"], 2)


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "1.5", "many", "", "1e2", "9" * 40])
async def test_a_limit_out_of_range_is_refused(client: httpx.AsyncClient, hsbc: Organization, limit: str) -> None:
    """From 1 to 1000; nothing is silently clipped."""
    response = await client.get("/tenants", headers=hsbc.parent.headers, params={"limit": limit})
    assert pointers(response) == ["/query/limit"]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "0",
        "A" * 42,
        "A" * 44,
        "A" * 42 + "B",
        "A" * 42 + "=",
        "A" * 42 + "é",
        "A" * 42 + "\0",
        " " + "A" * 42,
        "../../etc/passwd",
        "A" * 4_000,
        "6a78a56d-b5e0-43c6-baa4-63b9f36a5d3a",
    ],
)
async def test_what_is_no_cursor_is_refused(client: httpx.AsyncClient, hsbc: Organization, cursor: str) -> None:
    """Only what an earlier page gave is taken, in exactly that spelling."""
    response = await client.get("/tenants", headers=hsbc.parent.headers, params={"cursor": cursor})
    assert pointers(response) == ["/query/cursor"]


async def test_a_cursor_behind_the_end_gives_an_empty_page(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """A cursor after the last tenant gives an empty page."""
    last = UUID(int=2**128 - 1)
    parameters = {"cursor": PageCursor(last, last).encode()}
    response = await client.get("/tenants", headers=hsbc.parent.headers, params=parameters)
    assert (response.status_code, response.json()) == (200, {"items": [], "next_cursor": None})


@pytest.mark.parametrize("tenant_type", ["", "Parent", "branch", "parent,subsidiary"])
async def test_an_unknown_type_is_refused(client: httpx.AsyncClient, hsbc: Organization, tenant_type: str) -> None:
    """A misspelt type is an error, not an empty list."""
    response = await client.get("/tenants", headers=hsbc.parent.headers, params={"tenant_type": tenant_type})
    assert pointers(response) == ["/query/tenant_type"]


@pytest.mark.parametrize("parameter", ["offset", "Limit", "page", "organization_id", "limit "])
async def test_an_unknown_parameter_is_refused(client: httpx.AsyncClient, hsbc: Organization, parameter: str) -> None:
    """A misspelt parameter is an error, not an unfiltered list."""
    response = await client.get("/tenants", headers=hsbc.parent.headers, params={parameter: "1"})
    assert pointers(response) == [f"/query/{parameter}"]
