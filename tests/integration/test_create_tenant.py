"""`POST /tenants`."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.bodies import a_parent, a_subsidiary_of
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.problems import assert_problem, pointers

JSON = {"Content-Type": "application/json"}


def nested(levels: int) -> dict[str, Any]:
    """Return metadata so many levels deep, the outermost object counted."""
    inner: dict[str, Any] = {}
    for _ in range(levels - 1):
        inner = {"in": inner}
    return inner


def metadata_of_bytes(size: int) -> dict[str, str]:
    """Return metadata whose compact JSON has this size."""
    return {"x": "y" * (size - len('{"x":""}'))}


async def test_a_created_tenant_is_described_whole(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """The answer is the new tenant in every member, with its path in Location and its version in ETag."""
    body = a_subsidiary_of(hsbc.parent, metadata={"country": "SG"})
    response = await client.post("/tenants", headers=hsbc.parent.headers, json=body)
    assert response.status_code == 201
    tenant = response.json()
    assert response.headers["location"] == f"/tenants/{tenant['tenant_id']}"
    assert response.headers["etag"] == '"1"'
    assert {name: tenant[name] for name in body} == body
    assert tenant["version"] == 1
    assert tenant["created_at"] == tenant["updated_at"]
    assert abs(datetime.fromisoformat(tenant["created_at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert UUID(tenant["tenant_id"]).version == 7


async def test_a_created_tenant_is_there_at_its_location(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Following Location gives the same body and ETag."""
    body = a_subsidiary_of(hsbc.parent, metadata={"country": "SG"})
    created = await client.post("/tenants", headers=hsbc.parent.headers, json=body)
    read = await client.get(created.headers["location"], headers=hsbc.parent.headers)
    assert read.status_code == 200
    assert (read.content, read.headers["etag"]) == (created.content, created.headers["etag"])


@pytest.mark.parametrize("parent", [{}, {"parent_tenant_id": None}])
async def test_a_parent_heads_its_own_organization(
    client: httpx.AsyncClient, platform_operator: Party, parent: dict[str, None]
) -> None:
    """A platform operator's parent has no parent, whether the member is null or left out."""
    response = await client.post("/tenants", headers=platform_operator.headers, json=a_parent() | parent)
    assert response.status_code == 201
    assert (response.json()["tenant_type"], response.json()["parent_tenant_id"]) == ("parent", None)


async def test_metadata_may_be_left_out(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Without metadata a tenant begins with an empty object."""
    response = await client.post("/tenants", headers=hsbc.parent.headers, json=a_subsidiary_of(hsbc.parent))
    assert response.json()["metadata"] == {}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("  HSBC Paris \t\n", "HSBC Paris"),
        ("\u2003HSBC Paris\u00a0", "HSBC Paris"),
        ("Cre\u0301dit", "Cr\u00e9dit"),
        ("\u212b", "\u00c5"),
        ("汇丰银行 🏦", "汇丰银行 🏦"),
        ("x" * 200, "x" * 200),
        (" " + "🏦" * 200 + " ", "🏦" * 200),
        ('O\'Brien "& Sons" %s; DROP TABLE tenants --', 'O\'Brien "& Sons" %s; DROP TABLE tenants --'),
    ],
)
async def test_a_name_is_trimmed_and_normalized(
    client: httpx.AsyncClient, hsbc: Organization, given: str, stored: str
) -> None:
    """A name is kept as written, but for the space around it and for Unicode's form NFC."""
    response = await client.post("/tenants", headers=hsbc.parent.headers, json=a_subsidiary_of(hsbc.parent, given))
    assert (response.status_code, response.json()["name"]) == (201, stored)


@pytest.mark.parametrize("name", ["", " \t ", "\u2003", "x" * 201, "a\nb", "a\u0000b", "a\u007fb", "a\u0085b", 7, None])
async def test_a_bad_name_is_refused(client: httpx.AsyncClient, hsbc: Organization, name: Any) -> None:
    """Nothing, too much, control characters, or no text at all: the answer points at the name."""
    body = a_subsidiary_of(hsbc.parent) | {"name": name}
    response = await client.post("/tenants", headers=hsbc.parent.headers, json=body)
    assert pointers(response) == ["/body/name"]


@pytest.mark.parametrize("written", ["{}", " {} ", "Cre\u0301dit {}", "Cr\u00e9dit {}"])
async def test_a_name_is_unique_inside_its_organization(
    client: httpx.AsyncClient, hsbc: Organization, written: str
) -> None:
    """A second tenant of an equal name is refused, however the name is written."""
    written = written.format(hsbc.subsidiaries[0].name)
    await client.post("/tenants", headers=hsbc.parent.headers, json=a_subsidiary_of(hsbc.parent, written))
    response = await client.post("/tenants", headers=hsbc.parent.headers, json=a_subsidiary_of(hsbc.parent, written))
    assert_problem(response, 409, "name_taken")


async def test_a_subsidiary_does_not_bear_its_parents_name(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """A subsidiary with the name of its parent is refused."""
    body = a_subsidiary_of(hsbc.parent, hsbc.parent.name)
    assert_problem(await client.post("/tenants", headers=hsbc.parent.headers, json=body), 409, "name_taken")


async def test_of_many_equal_creations_at_once_one_succeeds(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Ten simultaneous requests for one name make one tenant."""
    body = a_subsidiary_of(hsbc.parent)
    answers = await asyncio.gather(
        *(client.post("/tenants", headers=hsbc.parent.headers, json=body) for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    listed = await client.get("/tenants", headers=hsbc.parent.headers)
    assert [item["name"] for item in listed.json()["items"]].count(body["name"]) == 1


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"": "empty key", "null": None, "true": True, "false": False, "list": [], "object": {}},
        {"text": "汇丰 🏦 \u2028 \\ \" ' </script> %s :name $1", "ключ": "é"},
        {"largest": 2**53 - 1, "smallest": -(2**53 - 1), "zero": 0},
        {"fraction": 0.1, "tiny": 1e-7, "negative": -2.5},
        nested(32),
        metadata_of_bytes(16_384),
        {"numbers": [1e-300] * 200},
    ],
    ids=["empty", "kinds", "text", "integers", "fractions", "32 levels", "16 KiB", "long numbers"],
)
async def test_metadata_comes_back_as_it_was_given(
    client: httpx.AsyncClient, hsbc: Organization, metadata: dict[str, Any]
) -> None:
    """Every value that JSON readers agree on survives, up to the stated limits, and may be written back as read."""
    body = a_subsidiary_of(hsbc.parent, metadata=metadata)
    created = await client.post("/tenants", headers=hsbc.parent.headers, json=body)
    assert created.status_code == 201
    read = await client.get(created.headers["location"], headers=hsbc.parent.headers)
    assert read.json()["metadata"] == created.json()["metadata"] == metadata
    unchanged = {"name": body["name"], "metadata": read.json()["metadata"]}
    replaced = await client.put(created.headers["location"], headers=hsbc.parent.headers, json=unchanged)
    assert replaced.json()["metadata"] == metadata


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        "text",
        1,
        {"key\u0000": 1},
        {"deep": [{"x": "a\u0000b"}]},
        {"large": 2**53},
        {"large": [-(2**53)]},
        nested(33),
        metadata_of_bytes(16_385),
        {"numbers": [1e300] * 1_000},
        {"numbers": [1e-300] * 1_000},
    ],
    ids=[
        "null",
        "list",
        "text",
        "number",
        "NUL key",
        "NUL",
        "2^53",
        "-2^53",
        "33 levels",
        "16 KiB + 1",
        "many 1e300",
        "many 1e-300",
    ],
)
async def test_bad_metadata_is_refused(client: httpx.AsyncClient, hsbc: Organization, metadata: Any) -> None:
    """What PostgreSQL cannot store, or stores larger than allowed, is refused with a pointer at the metadata."""
    body = a_subsidiary_of(hsbc.parent, metadata=metadata)
    assert pointers(await client.post("/tenants", headers=hsbc.parent.headers, json=body)) == ["/body/metadata"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"name": "x"',
        b"{'name': 'x'}",
        b'{"name": NaN}',
        b'{"metadata": {"x": -Infinity}}',
        b'{"name": "a", "name": "b"}',
        b'{"metadata": {"a": 1, "a": 2}}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        b"\xff\xfe{\x00}\x00",
        b'{"name": "x"} {}',
        b"[" * 60_000,
    ],
    ids=lambda body: body[:30].decode("latin-1"),
)
async def test_what_is_not_strict_json_is_refused(client: httpx.AsyncClient, hsbc: Organization, body: bytes) -> None:
    """Malformed, ambiguous or deeply nested JSON is a 400, unlike JSON that breaks a rule."""
    response = await client.post("/tenants", headers=hsbc.parent.headers | JSON, content=body)
    assert_problem(response, 400, "malformed_json")


@pytest.mark.parametrize("body", [[], ["x"], "x", 1, None, True])
async def test_a_body_is_an_object(client: httpx.AsyncClient, hsbc: Organization, body: Any) -> None:
    """Any other JSON value is refused as a whole."""
    response = await client.post("/tenants", headers=hsbc.parent.headers | JSON, content=json.dumps(body))
    assert pointers(response) == ["/body"]


@pytest.mark.parametrize("member", ["tenant_id", "organization_id", "version", "created_at", "updated_at", "nmae"])
async def test_unknown_members_are_refused(client: httpx.AsyncClient, hsbc: Organization, member: str) -> None:
    """Members that the database sets, and misspelt ones, are refused rather than ignored."""
    body = a_subsidiary_of(hsbc.parent) | {member: "x"}
    assert pointers(await client.post("/tenants", headers=hsbc.parent.headers, json=body)) == [f"/body/{member}"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"parent_tenant_id": None}, "/body/parent_tenant_id"),
        ({"parent_tenant_id": "HSBC"}, "/body/parent_tenant_id"),
        ({"tenant_type": "parent"}, "/body/parent_tenant_id"),
        ({"tenant_type": "branch"}, "/body/tenant_type"),
        ({"tenant_type": None}, "/body/tenant_type"),
    ],
)
async def test_the_two_levels_are_explained(
    client: httpx.AsyncClient, hsbc: Organization, changes: dict[str, Any], pointer: str
) -> None:
    """A type without its parent, or with one too many, is refused where the mistake is."""
    body = a_subsidiary_of(hsbc.parent) | changes
    assert pointers(await client.post("/tenants", headers=hsbc.parent.headers, json=body)) == [pointer]


async def test_every_mistake_is_named_at_once(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """One answer lists all members to correct."""
    response = await client.post("/tenants", headers=hsbc.parent.headers, json={"metadata": 1, "a/b~c": 1})
    assert sorted(pointers(response)) == ["/body/a~1b~0c", "/body/metadata", "/body/name", "/body/tenant_type"]


async def test_a_refused_creation_leaves_nothing(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """A refused creation leaves the list unchanged."""
    before = await client.get("/tenants", headers=hsbc.parent.headers)
    for body in (
        a_subsidiary_of(hsbc.parent, hsbc.parent.name),
        a_subsidiary_of(hsbc.parent, metadata={"numbers": [1e-300] * 400}),
        a_subsidiary_of(hsbc.subsidiaries[0]),
        a_parent(),
    ):
        refused = await client.post("/tenants", headers=hsbc.parent.headers, json=body)
        assert refused.status_code in {403, 409, 422}
    after = await client.get("/tenants", headers=hsbc.parent.headers)
    assert after.json() == before.json()
