"""`DELETE /tenants/{tenant_id}`."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from tests.support.bodies import a_parent, a_replacement, a_subsidiary_of
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.problems import assert_problem, pointers


async def delete(
    client: httpx.AsyncClient,
    caller: Party,
    tenant: Party,
    cascade: str | None = None,
    if_match: str | None = None,
) -> httpx.Response:
    """Ask for the deletion."""
    return await client.delete(
        f"/tenants/{tenant.tenant_id}",
        headers=caller.headers | ({} if if_match is None else {"If-Match": if_match}),
        params={} if cascade is None else {"cascade": cascade},
    )


async def standing(as_admin: asyncpg.Connection, organization: Organization) -> list[UUID]:
    """Return which tenants of the organisation are really there."""
    rows = await as_admin.fetch(
        "SELECT tenant_id FROM tenancy.tenants WHERE organization_id = $1 ORDER BY tenant_id",
        organization.parent.tenant_id,
    )
    return [row["tenant_id"] for row in rows]


def ids(*parties: Party) -> list[UUID]:
    """Return the parties' ids."""
    return [party.tenant_id for party in parties]


@pytest.mark.parametrize("cascade", [None, "false", "true"])
async def test_a_parent_deletes_a_subsidiary(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization, cascade: str | None
) -> None:
    """The answer is empty, the subsidiary is gone, its sibling and parent are not."""
    first, second = hsbc.subsidiaries
    response = await delete(client, hsbc.parent, first, cascade)
    assert (response.status_code, response.content) == (204, b"")
    assert await standing(as_admin, hsbc) == ids(hsbc.parent, second)
    again = await client.get(f"/tenants/{first.tenant_id}", headers=hsbc.parent.headers)
    assert_problem(again, 404, "tenant_not_found")


async def test_a_tenant_is_deleted_once(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """The second request finds nothing, also when both come at the same time."""
    answers = await asyncio.gather(*(delete(client, hsbc.parent, hsbc.subsidiaries[0]) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404, 404]
    assert_problem(await delete(client, hsbc.parent, hsbc.subsidiaries[0]), 404, "tenant_not_found")


@pytest.mark.parametrize("cascade", [None, "false"])
async def test_subsidiaries_stop_the_deletion_of_their_parent(
    client: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    platform_operator: Party,
    cascade: str | None,
) -> None:
    """Without cascade=true a parent with subsidiaries is not deleted, and nothing changes."""
    response = await delete(client, platform_operator, hsbc.parent, cascade)
    assert_problem(response, 409, "tenant_has_subsidiaries")
    assert await standing(as_admin, hsbc) == ids(*hsbc.parties)


async def test_a_childless_parent_needs_no_cascade(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """Once the subsidiaries are deleted, so can be the parent."""
    for subsidiary in hsbc.subsidiaries:
        await delete(client, platform_operator, subsidiary)
    assert (await delete(client, platform_operator, hsbc.parent)).status_code == 204
    assert await standing(as_admin, hsbc) == []


async def test_a_cascade_deletes_the_organization_and_no_other(
    client: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    barclays: Organization,
    platform_operator: Party,
) -> None:
    """cascade=true takes the parent with all its subsidiaries."""
    response = await delete(client, platform_operator, hsbc.parent, "true")
    assert (response.status_code, response.content) == (204, b"")
    assert await standing(as_admin, hsbc) == []
    assert await standing(as_admin, barclays) == ids(*barclays.parties)


async def test_a_refused_cascade_deletes_nothing(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """A parent may delete each subsidiary but not itself, so its cascade deletes nothing."""
    response = await delete(client, hsbc.parent, hsbc.parent, "true")
    assert_problem(response, 403, "operation_not_permitted")
    assert await standing(as_admin, hsbc) == ids(*hsbc.parties)


async def test_a_cascade_on_a_stale_tag_deletes_nothing(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """The tag is the parent's; when it is stale, the subsidiaries stay as well."""
    path = f"/tenants/{hsbc.parent.tenant_id}"
    changed = await client.put(path, headers=hsbc.parent.headers, json=a_replacement())
    stale = await delete(client, platform_operator, hsbc.parent, "true", if_match='"1"')
    assert_problem(stale, 412, "precondition_failed")
    assert await standing(as_admin, hsbc) == ids(*hsbc.parties)
    current = await delete(client, platform_operator, hsbc.parent, "true", if_match=changed.headers["etag"])
    assert current.status_code == 204
    assert await standing(as_admin, hsbc) == []


@pytest.mark.parametrize("if_match", ['"1"', '"7", "1"', "*"])
async def test_a_current_tag_lets_the_deletion_pass(
    client: httpx.AsyncClient, hsbc: Organization, if_match: str
) -> None:
    """The tag alone, in a list, or a star."""
    response = await delete(client, hsbc.parent, hsbc.subsidiaries[0], if_match=if_match)
    assert response.status_code == 204


@pytest.mark.parametrize(
    ("if_match", "status", "code"),
    [
        ('"2"', 412, "precondition_failed"),
        ('W/"1"', 412, "precondition_failed"),
        ('"9999999999"', 412, "precondition_failed"),
        ("1", 400, "malformed_precondition"),
        ("", 400, "malformed_precondition"),
    ],
)
async def test_any_other_tag_stops_the_deletion(  # noqa: PLR0913, PLR0917 - one row of a table
    client: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    if_match: str,
    status: int,
    code: str,
) -> None:
    """Stale, weak or malformed: the tenant stays."""
    response = await delete(client, hsbc.parent, hsbc.subsidiaries[0], if_match=if_match)
    assert_problem(response, status, code)
    assert await standing(as_admin, hsbc) == ids(*hsbc.parties)


async def test_tokens_die_with_their_tenant(
    client: httpx.AsyncClient, hsbc: Organization, platform_operator: Party
) -> None:
    """After a cascade no token of the organisation signs in any more, whatever it asks for."""
    for party in hsbc.parties:
        assert (await client.get("/tenants", headers=party.headers)).status_code == 200
    await delete(client, platform_operator, hsbc.parent, "true")
    for party in hsbc.parties:
        for path in ("/tenants", f"/tenants/{party.tenant_id}"):
            assert_problem(await client.get(path, headers=party.headers), 401, "authentication_required")
        created = await client.post("/tenants", headers=party.headers, json=a_subsidiary_of(hsbc.parent))
        assert_problem(created, 401, "authentication_required")


async def test_tokens_of_those_who_stay_live_on(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Deleting a subsidiary ends its own token alone."""
    first, second = hsbc.subsidiaries
    await delete(client, hsbc.parent, first)
    answers = [await client.get("/tenants", headers=party.headers) for party in (first, second, hsbc.parent)]
    assert [answer.status_code for answer in answers] == [401, 200, 200]


async def test_a_name_is_free_again(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """The name of a deleted subsidiary can be given anew; the id is another."""
    old = hsbc.subsidiaries[0]
    await delete(client, hsbc.parent, old)
    new = await client.post("/tenants", headers=hsbc.parent.headers, json=a_subsidiary_of(hsbc.parent, old.name))
    assert new.status_code == 201
    assert new.json()["tenant_id"] != str(old.tenant_id)


@pytest.mark.parametrize("cascade", [None, "true"])
async def test_an_absent_tenant_is_not_found(
    client: httpx.AsyncClient, platform_operator: Party, cascade: str | None
) -> None:
    """An absent id is 404, also for one who may delete all."""
    absent = Party(uuid4(), "absent", "")
    assert_problem(await delete(client, platform_operator, absent, cascade), 404, "tenant_not_found")


@pytest.mark.parametrize("cascade", ["", "perhaps", "2", "true;", "1", "0", "yes", "on", "True", "FALSE", "t", " true"])
async def test_an_unclear_cascade_deletes_nothing(
    client: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    hsbc: Organization,
    platform_operator: Party,
    cascade: str,
) -> None:
    """A value of cascade other than a boolean is refused."""
    response = await delete(client, platform_operator, hsbc.parent, cascade)
    assert pointers(response) == ["/query/cascade"]
    assert response.json()["errors"][0]["detail"] == "Send true or false"
    assert await standing(as_admin, hsbc) == ids(*hsbc.parties)


async def test_a_misspelt_cascade_deletes_nothing(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """A parameter that is not known is refused, as by the list, alone and beside the right one."""
    path = f"/tenants/{hsbc.parent.tenant_id}"
    for query in ({"Cascade": "true"}, {"cascade": "true", "dry_run": "true"}):
        response = await client.delete(path, headers=platform_operator.headers, params=query)
        assert pointers(response) == [f"/query/{list(query)[-1]}"]
    assert await standing(as_admin, hsbc) == ids(*hsbc.parties)


async def test_a_cascade_racing_with_creations_leaves_no_orphan(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, platform_operator: Party
) -> None:
    """A cascade that races with new subsidiaries deletes all, or the parent and the new subsidiaries stay."""
    for _ in range(10):
        created = await client.post("/tenants", headers=platform_operator.headers, json=a_parent())
        parent = Party(UUID(created.json()["tenant_id"]), created.json()["name"], platform_operator.token)
        deletion, *additions = await asyncio.gather(
            delete(client, parent, parent, "true"),
            *(client.post("/tenants", headers=parent.headers, json=a_subsidiary_of(parent)) for _ in range(4)),
        )
        assert {addition.status_code for addition in additions} <= {201, 422}
        added = [UUID(addition.json()["tenant_id"]) for addition in additions if addition.status_code == 201]
        left = await standing(as_admin, Organization(parent, []))
        if deletion.status_code == 204:
            assert left == []
        else:
            assert_problem(deletion, 409, "tenant_has_subsidiaries")
            assert left == sorted([parent.tenant_id, *added])
