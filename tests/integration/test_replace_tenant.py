"""`PUT /tenants/{tenant_id}`."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.bodies import a_replacement
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.problems import assert_problem, pointers


async def put(
    client: httpx.AsyncClient, caller: Party, body: Any, *, tenant: Party | None = None, if_match: str | None = None
) -> httpx.Response:
    """Replace the tenant, by default the caller itself."""
    headers = caller.headers | ({} if if_match is None else {"If-Match": if_match})
    return await client.put(f"/tenants/{(tenant or caller).tenant_id}", headers=headers, json=body)


async def get(client: httpx.AsyncClient, party: Party) -> dict[str, Any]:
    """Read the tenant as itself."""
    tenant: dict[str, Any] = (await client.get(f"/tenants/{party.tenant_id}", headers=party.headers)).json()
    return tenant


async def test_a_replacement_is_described_whole(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Name and metadata are the given ones, the version and its ETag one higher, the rest as it was."""
    before = await get(client, hsbc.parent)
    body = a_replacement(country="GB")
    response = await put(client, hsbc.parent, body)
    assert (response.status_code, response.headers["etag"]) == (200, '"2"')
    after = response.json()
    assert datetime.fromisoformat(after["updated_at"]) > datetime.fromisoformat(before["updated_at"])
    assert after == before | body | {"version": 2, "updated_at": after["updated_at"]}
    assert await get(client, hsbc.parent) == after


async def test_metadata_is_replaced_and_not_merged(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Members that the new metadata lacks are gone."""
    await put(client, hsbc.parent, a_replacement(country="GB", nested={"a": 1}))
    response = await put(client, hsbc.parent, a_replacement(nested={"b": 2}))
    assert response.json()["metadata"] == {"nested": {"b": 2}}


async def test_others_are_left_alone(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """One tenant is replaced, its parent and siblings are not."""
    before = [await get(client, party) for party in (hsbc.parent, hsbc.subsidiaries[1])]
    await put(client, hsbc.parent, a_replacement(), tenant=hsbc.subsidiaries[0])
    assert [await get(client, party) for party in (hsbc.parent, hsbc.subsidiaries[1])] == before


async def test_equal_content_is_a_new_version_too(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """A replacement counts even when it changes nothing, and a tenant may keep its own name."""
    body = {"name": hsbc.parent.name, "metadata": {}}
    answers = [await put(client, hsbc.parent, body) for _ in range(2)]
    assert [(answer.status_code, answer.json()["version"]) for answer in answers] == [(200, 2), (200, 3)]


async def test_a_name_is_trimmed_and_normalized(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """A new name is trimmed and normalized as on creation."""
    response = await put(client, hsbc.parent, a_replacement(" Cre\u0301dit\u2003"))
    assert response.json()["name"] == "Cr\u00e9dit"


@pytest.mark.parametrize("taken", [0, 1])
async def test_a_taken_name_is_refused(client: httpx.AsyncClient, hsbc: Organization, taken: int) -> None:
    """Another tenant of the organisation has it: nothing changes."""
    subsidiary = hsbc.subsidiaries[1]
    before = await get(client, subsidiary)
    response = await put(client, hsbc.parent, a_replacement(hsbc.parties[taken].name), tenant=subsidiary)
    assert_problem(response, 409, "name_taken")
    assert await get(client, subsidiary) == before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "x"}, "/body/metadata"),
        ({"metadata": {}}, "/body/name"),
        ({"name": " ", "metadata": {}}, "/body/name"),
        ({"name": "x", "metadata": []}, "/body/metadata"),
        ({"name": "x", "metadata": {"numbers": [1e300] * 1_000}}, "/body/metadata"),
        ({"name": "x", "metadata": {"numbers": [1e-300] * 1_000}}, "/body/metadata"),
        ({"name": "x", "metadata": {}, "tenant_type": "parent"}, "/body/tenant_type"),
        ({"name": "x", "metadata": {}, "parent_tenant_id": str(uuid4())}, "/body/parent_tenant_id"),
        ({"name": "x", "metadata": {}, "parent_tenant_id": None}, "/body/parent_tenant_id"),
        ({"name": "x", "metadata": {}, "organization_id": str(uuid4())}, "/body/organization_id"),
        ({"name": "x", "metadata": {}, "tenant_id": str(uuid4())}, "/body/tenant_id"),
        ({"name": "x", "metadata": {}, "version": 7}, "/body/version"),
        ([], "/body"),
    ],
)
async def test_a_bad_body_changes_nothing(
    client: httpx.AsyncClient, hsbc: Organization, body: Any, pointer: str
) -> None:
    """Both members are required, rules hold, and type, parent and all that the database makes cannot be sent."""
    before = await get(client, hsbc.parent)
    assert pointers(await put(client, hsbc.parent, body)) == [pointer]
    assert await get(client, hsbc.parent) == before


@pytest.mark.parametrize("if_match", ['"1"', '"7", "1"', '"a","1" ,', "*", " *", '"9999999999", "1"'])
async def test_a_current_tag_lets_the_change_pass(client: httpx.AsyncClient, hsbc: Organization, if_match: str) -> None:
    """The tag alone, in a list, or a star."""
    response = await put(client, hsbc.parent, a_replacement(), if_match=if_match)
    assert (response.status_code, response.headers["etag"]) == (200, '"2"')


@pytest.mark.parametrize(
    "if_match", ['"2"', 'W/"1"', '"0"', '"01"', '"2", W/"1"', '"x"', '"9999999999"', '"2147483648"']
)
async def test_a_stale_tag_stops_the_change(client: httpx.AsyncClient, hsbc: Organization, if_match: str) -> None:
    """No strong tag of the current version: 412, and nothing changes. A weak tag never matches."""
    before = await get(client, hsbc.parent)
    assert_problem(await put(client, hsbc.parent, a_replacement(), if_match=if_match), 412, "precondition_failed")
    assert await get(client, hsbc.parent) == before


@pytest.mark.parametrize("if_match", ["1", '"1', "", "*, *", '"1" "2"', ",".join(['"1"'] * 101)])
async def test_a_malformed_tag_stops_the_change(client: httpx.AsyncClient, hsbc: Organization, if_match: str) -> None:
    """A malformed If-Match is refused, not ignored."""
    before = await get(client, hsbc.parent)
    assert_problem(await put(client, hsbc.parent, a_replacement(), if_match=if_match), 400, "malformed_precondition")
    assert await get(client, hsbc.parent) == before


@pytest.mark.parametrize("if_match", [None, "*", '"1"'])
async def test_an_absent_tenant_is_not_created(
    client: httpx.AsyncClient, platform_operator: Party, if_match: str | None
) -> None:
    """PUT replaces and never adds, whatever the condition."""
    absent = Party(uuid4(), "absent", platform_operator.token)
    response = await put(client, absent, a_replacement(), if_match=if_match)
    assert_problem(response, 404, "tenant_not_found")
    assert (await client.get(f"/tenants/{absent.tenant_id}", headers=absent.headers)).status_code == 404


async def test_of_many_changes_to_one_version_one_succeeds(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Of twenty clients that write to the same version at once, one succeeds and the others get 412."""
    bodies = [a_replacement() for _ in range(20)]
    answers = await asyncio.gather(*(put(client, hsbc.parent, body, if_match='"1"') for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
    winner = next(body for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 200)
    tenant = await get(client, hsbc.parent)
    assert (tenant["name"], tenant["version"]) == (winner["name"], 2)


async def test_unconditional_changes_at_once_all_count(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Twenty writers without a condition make twenty versions, each answered with its own."""
    answers = await asyncio.gather(*(put(client, hsbc.parent, a_replacement()) for _ in range(20)))
    assert sorted(answer.json()["version"] for answer in answers) == list(range(2, 22))
    last = max((answer.json() for answer in answers), key=lambda tenant: tenant["version"])
    assert await get(client, hsbc.parent) == last
