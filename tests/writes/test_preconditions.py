"""If-Match and If-None-Match over HTTP, by RFC 9110: methods, order of evaluation, repeated header lines."""

import httpx
import pytest

from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.requests import delete, outcome, replace

STALE = "412 precondition_failed"
MALFORMED = "400 malformed_precondition"
Lines = list[tuple[str, str]]


async def ask(
    client: httpx.AsyncClient, method: str, party: Party, lines: Lines, body: dict[str, object] | None = None
) -> httpx.Response:
    """Send a request about the party itself; header lines go out as they are, each on its own."""
    headers = [*party.headers.items(), *lines]
    return await client.request(method, f"/tenants/{party.tenant_id}", headers=headers, json=body)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param([], 200, id="none"),
        pytest.param([("If-None-Match", '"1"')], 304, id="current"),
        pytest.param([("If-None-Match", '"2"')], 200, id="another"),
        pytest.param([("If-None-Match", 'W/"1"')], 304, id="weak"),
        pytest.param([("If-None-Match", "*")], 304, id="any"),
        pytest.param([("If-None-Match", '"7", "1"')], 304, id="list"),
        pytest.param([("If-None-Match", '"7"'), ("If-None-Match", '"1"')], 304, id="two lines"),
        pytest.param([("If-None-Match", '"7"'), ("if-none-match", '"8"')], 200, id="two lines of others"),
        pytest.param([("If-None-Match", '"7"'), ("If-None-Match", "1")], 400, id="second line malformed"),
        pytest.param([("If-None-Match", "*"), ("If-None-Match", '"1"')], 400, id="asterisk in a list of lines"),
        pytest.param([("If-None-Match", "")], 400, id="empty"),
        pytest.param([("If-Match", '"1"')], 200, id="If-Match, current"),
        pytest.param([("If-Match", '"2"')], 412, id="If-Match, another"),
        pytest.param([("If-Match", 'W/"1"')], 412, id="If-Match, weak"),
        pytest.param([("If-Match", "*")], 200, id="If-Match, any"),
        pytest.param([("If-Match", '"2"'), ("If-None-Match", '"1"')], 412, id="If-Match goes first"),
        pytest.param([("If-Match", '"1"'), ("If-None-Match", '"1"')], 304, id="both of the current one"),
        pytest.param([("If-Modified-Since", "Sat, 21 Nov 2099 00:00:00 GMT")], 200, id="no Last-Modified, no date"),
        pytest.param([("If-Unmodified-Since", "Sat, 21 Nov 1999 00:00:00 GMT")], 200, id="nor the other way"),
    ],
)
async def test_reading_under_a_condition(
    client: httpx.AsyncClient, hsbc: Organization, lines: Lines, status: int
) -> None:
    """GET answers 304 for a version that the client has, 412 for one that it demands in vain, over all header lines."""
    answer = await ask(client, "GET", hsbc.parent, lines)
    assert answer.status_code == status
    if status in {200, 304}:
        assert answer.headers["ETag"] == '"1"'
    if status == 304:
        assert answer.content == b""
        assert "Content-Type" not in answer.headers


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param([("If-Match", '"7"'), ("If-Match", '"1"')], 200, id="second line matches"),
        pytest.param([("If-Match", '"7"'), ("If-Match", '"8"')], 412, id="no line matches"),
        pytest.param([("If-Match", '"1"'), ("If-Match", "1")], 400, id="second line malformed"),
        pytest.param([("If-Match", "*"), ("If-Match", '"1"')], 400, id="asterisk in a list of lines"),
        pytest.param([("If-Match", "*")], 200, id="any"),
        pytest.param([("If-Match", 'W/"1"')], 412, id="weak never matches"),
        pytest.param([("If-None-Match", "*")], 412, id="only if it does not exist"),
        pytest.param([("If-None-Match", '"1"')], 412, id="not this version"),
        pytest.param([("If-None-Match", 'W/"1"')], 412, id="not this version, weakly"),
        pytest.param([("If-None-Match", '"7"'), ("If-None-Match", '"1"')], 412, id="not this version, second line"),
        pytest.param([("If-None-Match", '"7"')], 200, id="not another version"),
        pytest.param([("If-Match", '"1"'), ("If-None-Match", '"1"')], 412, id="contradictory"),
        pytest.param([("If-Match", '"1"'), ("If-None-Match", '"7"')], 200, id="both fulfilled"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_writing_under_a_condition(
    client: httpx.AsyncClient, hsbc: Organization, method: str, lines: Lines, status: int
) -> None:
    """PUT and DELETE obey both headers, over all their lines, and a refused one changes nothing."""
    child = hsbc.subsidiaries[0]
    as_parent = Party(child.tenant_id, child.name, hsbc.parent.token)
    body: dict[str, object] | None = {"name": "Renamed", "metadata": {}} if method == "PUT" else None
    done = 200 if method == "PUT" else 204

    answer = await ask(client, method, as_parent, lines, body)

    assert answer.status_code == (done if status == 200 else status)
    if status != 200:
        unchanged = await ask(client, "GET", as_parent, [])
        assert (unchanged.json()["name"], unchanged.json()["version"]) == (child.name, 1)


async def test_an_etag_is_the_version_of_what_is_answered(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Each PUT answers with the ETag that the next If-Match needs, without reading in between."""
    etag = '"1"'
    for n in range(2, 6):
        answer = await replace(client, hsbc.parent, hsbc.parent.tenant_id, f"HSBC {n}", If_Match=etag)
        assert answer.status_code == 200
        etag = answer.headers["ETag"]
        assert etag == f'"{answer.json()["version"]}"' == f'"{n}"'


async def test_an_asterisk_does_not_bring_a_tenant_into_being(
    client: httpx.AsyncClient, hsbc: Organization, barclays: Organization
) -> None:
    """`If-Match: *` and `If-None-Match: *` on what does not exist, or not for this caller, are a 404 like without."""
    for tenant_id in ("019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a", barclays.parent.tenant_id):
        answers = [
            await replace(client, hsbc.parent, tenant_id, "New", If_Match="*"),
            await replace(client, hsbc.parent, tenant_id, "New", If_None_Match="*"),
            await delete(client, hsbc.parent, tenant_id, If_Match="*"),
            await delete(client, hsbc.parent, tenant_id, If_None_Match="*"),
        ]
        assert [outcome(answer) for answer in answers] == ["404 tenant_not_found"] * 4


async def test_a_condition_counts_only_for_what_would_be_done(
    client: httpx.AsyncClient, hsbc: Organization, platform_operator: Party
) -> None:
    """A request that would be refused anyway is not refused for its stale version (RFC 9110, section 13.2.1)."""
    parent = hsbc.parent
    by_itself = await delete(client, parent, parent.tenant_id, If_Match='"9"')
    with_subsidiaries = await delete(client, platform_operator, parent.tenant_id, If_Match='"9"')
    with_cascade = await delete(client, platform_operator, parent.tenant_id, cascade=True, If_Match='"9"')

    assert outcome(by_itself) == "403 operation_not_permitted"
    assert outcome(with_subsidiaries) == "409 tenant_has_subsidiaries"
    assert outcome(with_cascade) == STALE


async def test_a_condition_needs_a_caller(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """Without a token a malformed condition is a 401 like any other request: no condition is evaluated."""
    answer = await client.get(f"/tenants/{hsbc.parent.tenant_id}", headers={"If-Match": "malformed"})
    assert outcome(answer) == "401 authentication_required"
    assert outcome(await replace(client, hsbc.parent, hsbc.parent.tenant_id, "X", If_Match="malformed")) == MALFORMED
