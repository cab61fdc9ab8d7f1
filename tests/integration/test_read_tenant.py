"""`GET /tenants/{tenant_id}`."""

from uuid import uuid4

import httpx
import pytest

from tests.support.bodies import a_replacement
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.problems import assert_problem, pointers


async def test_a_tenant_comes_with_its_etag(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """The ETag is the version in quotes, as in the body."""
    party = hsbc.subsidiaries[0]
    response = await client.get(f"/tenants/{party.tenant_id}", headers=party.headers)
    assert response.status_code == 200
    tenant = response.json()
    assert response.headers["etag"] == f'"{tenant["version"]}"' == '"1"'
    assert (tenant["tenant_id"], tenant["name"]) == (str(party.tenant_id), party.name)
    assert (tenant["tenant_type"], tenant["parent_tenant_id"]) == ("subsidiary", str(hsbc.parent.tenant_id))


async def test_every_caller_reads_the_same_tenant(
    client: httpx.AsyncClient, hsbc: Organization, platform_operator: Party
) -> None:
    """Every caller that may see a tenant gets the same bytes."""
    path = f"/tenants/{hsbc.subsidiaries[0].tenant_id}"
    readers = [hsbc.subsidiaries[0], hsbc.parent, platform_operator]
    answers = [await client.get(path, headers=reader.headers) for reader in readers]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    "tags", ['"1"', 'W/"1"', '"0", "1"', 'W/"7",W/"1"', '"a,b" , "1"', ', "1",', "*", " * ", '"x\u00e9y","1"']
)
async def test_a_version_that_the_client_has_is_not_sent_again(
    client: httpx.AsyncClient, hsbc: Organization, tags: str
) -> None:
    """A tag, weak or strong, alone or in a list, or a star, gives 304 with the ETag and without a body."""
    headers = httpx.Headers(hsbc.parent.headers | {"If-None-Match": tags}, encoding="latin-1")
    response = await client.get(f"/tenants/{hsbc.parent.tenant_id}", headers=headers)
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == '"1"'


@pytest.mark.parametrize("tags", ['"2"', 'W/"2"', '"11"', '"01"', '""', '"a", "b"', '"*"'])
async def test_another_version_is_sent(client: httpx.AsyncClient, hsbc: Organization, tags: str) -> None:
    """A tag of another version, or of nothing of ours, leaves the request as it is."""
    headers = hsbc.parent.headers | {"If-None-Match": tags}
    response = await client.get(f"/tenants/{hsbc.parent.tenant_id}", headers=headers)
    assert (response.status_code, response.json()["name"]) == (200, hsbc.parent.name)


async def test_a_change_makes_the_old_tag_useless(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """After a replacement the tenant is sent again, with the new tag, which then gives 304."""
    path = f"/tenants/{hsbc.parent.tenant_id}"
    body = a_replacement()
    await client.put(path, headers=hsbc.parent.headers, json=body)
    changed = await client.get(path, headers=hsbc.parent.headers | {"If-None-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"], changed.json()["name"]) == (200, '"2"', body["name"])
    unchanged = await client.get(path, headers=hsbc.parent.headers | {"If-None-Match": '"2"'})
    assert unchanged.status_code == 304


@pytest.mark.parametrize("tags", ["1", "'1'", '"1', '1"', '"1" "2"', "*,*", '*, "1"', 'w/"1"', "", ",", '"a b"'])
async def test_a_malformed_precondition_is_refused(client: httpx.AsyncClient, hsbc: Organization, tags: str) -> None:
    """What is no list of entity tags is the client's mistake, and is not taken for a tag that fails to match."""
    headers = hsbc.parent.headers | {"If-None-Match": tags}
    response = await client.get(f"/tenants/{hsbc.parent.tenant_id}", headers=headers)
    assert_problem(response, 400, "malformed_precondition")


async def test_there_is_a_limit_to_the_list_of_tags(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """A hundred tags are read; more are refused."""
    path = f"/tenants/{hsbc.parent.tenant_id}"
    tags = ['"7"'] * 99 + ['"1"']
    allowed = await client.get(path, headers=hsbc.parent.headers | {"If-None-Match": ",".join(tags)})
    assert allowed.status_code == 304
    refused = await client.get(path, headers=hsbc.parent.headers | {"If-None-Match": ",".join([*tags, '"1"'])})
    assert_problem(refused, 400, "malformed_precondition")


async def test_an_absent_tenant_is_not_found(client: httpx.AsyncClient, platform_operator: Party) -> None:
    """An absent id is 404, also for a platform operator."""
    response = await client.get(f"/tenants/{uuid4()}", headers=platform_operator.headers)
    assert_problem(response, 404, "tenant_not_found")


async def test_an_id_may_be_written_in_capitals(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """RFC 9562 reads UUIDs in either case; the answer uses lower case."""
    response = await client.get(f"/tenants/{str(hsbc.parent.tenant_id).upper()}", headers=hsbc.parent.headers)
    assert (response.status_code, response.json()["tenant_id"]) == (200, str(hsbc.parent.tenant_id))


@pytest.mark.parametrize(
    "tenant_id", ["1", "HSBC", "0' OR '1'='1", "%00", "null", "019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7"]
)
async def test_an_id_that_is_no_uuid_is_refused(client: httpx.AsyncClient, hsbc: Organization, tenant_id: str) -> None:
    """The answer points into the path."""
    response = await client.get(f"/tenants/{tenant_id}", headers=hsbc.parent.headers)
    assert pointers(response) == ["/path/tenant_id"]
