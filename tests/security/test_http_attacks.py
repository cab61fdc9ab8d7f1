"""An organisation uses another one's cursors, ETags, names and keys."""

from uuid import UUID

import asyncpg
import pytest

from multi_tenant_db.models.page_cursor import PageCursor
from tests.support.attack import refused, residual, sees_nothing
from tests.support.context import stored_tenants
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.secrets_of import told_about
from tests.support.wire import Wire

GROUP = "over HTTP"


def subsidiary(parent: Party, name: str) -> dict[str, str]:
    """Return the body that creates a subsidiary."""
    return {"name": name, "tenant_type": "subsidiary", "parent_tenant_id": str(parent.tenant_id)}


@sees_nothing(GROUP)
async def test_a_strangers_cursor_opens_no_foreign_page(wire: Wire, hsbc: Organization, barclays: Organization) -> None:
    """Barclays presents HSBC's own next_cursor, hoping to read on where HSBC stopped."""
    cursor = wire.ask("GET", "/tenants?limit=1", hsbc.parent).json()["next_cursor"]

    answer = wire.ask("GET", f"/tenants?limit=1000&cursor={cursor}", barclays.parent)

    assert answer.status == 200
    assert {item["tenant_id"] for item in answer.json()["items"]} <= {str(p.tenant_id) for p in barclays.parties}
    assert told_about(hsbc, answer) == []


@sees_nothing(GROUP)
@pytest.mark.parametrize("limit", [1, 2, 1000])
async def test_a_forged_cursor_is_a_position_and_no_permission(
    wire: Wire, hsbc: Organization, barclays: Organization, limit: int
) -> None:
    """Barclays forges cursors just before each row of HSBC, and around everything, hoping a page starts there."""
    ends = [PageCursor(UUID(int=0), UUID(int=0)), PageCursor(UUID(int=2**128 - 1), UUID(int=2**128 - 1))]
    before_each = [PageCursor(hsbc.parent.tenant_id, UUID(int=p.tenant_id.int - 1)) for p in hsbc.parties]
    answers = [
        wire.ask("GET", f"/tenants?limit={limit}&cursor={cursor.encode()}", barclays.parent)
        for cursor in (*ends, *before_each)
    ]

    assert {answer.status for answer in answers} == {200}
    assert told_about(hsbc, *answers) == []
    assert len(answers[0].json()["items"]) == min(limit, len(barclays.parties)), "the first cursor precedes all"


@sees_nothing(GROUP)
async def test_the_next_cursor_and_link_name_no_stranger(
    wire: Wire, hsbc: Organization, barclays: Organization
) -> None:
    """Barclays pages one by one and unpacks every cursor and Link, hoping that they point at a neighbour's row."""
    mine = {party.tenant_id for party in barclays.parties}
    target, seen = "/tenants?limit=1", []
    while target:
        answer = wire.ask("GET", target, barclays.parent)
        seen += [UUID(item["tenant_id"]) for item in answer.json()["items"]]
        assert told_about(hsbc, answer) == []
        link = answer.header("link")
        if link:
            cursor = PageCursor.decode(answer.json()["next_cursor"])
            assert {cursor.organization_id, cursor.tenant_id} <= mine
        target = link.partition("<")[2].partition(">")[0] if link else ""
    assert seen == [party.tenant_id for party in barclays.parties]


@sees_nothing(GROUP)
async def test_a_strangers_etag_proves_nothing(wire: Wire, hsbc: Organization, barclays: Organization) -> None:
    """Barclays tries every likely ETag on HSBC's row, hoping that the right one answers 304 or 412 instead of 404."""
    target = f"/tenants/{hsbc.parent.tenant_id}"
    body = {"name": "x", "metadata": {}}
    for tag in ('"1"', '"2"', 'W/"1"', "*", '"1", "2"', '"0"'):
        for method, header, contents in (
            ("GET", "If-None-Match", None),
            ("GET", "If-Match", None),
            ("PUT", "If-Match", body),
            ("DELETE", "If-Match", None),
        ):
            answer = wire.ask(method, target, barclays.parent, headers={header: tag}, json_body=contents)
            assert answer.status == 404, (method, header, tag)
            assert told_about(hsbc, answer) == []


@sees_nothing(GROUP)
async def test_a_strangers_name_is_free(wire: Wire, hsbc: Organization, barclays: Organization) -> None:
    """Barclays takes HSBC's names, hoping that a conflict tells which banks are customers here."""
    for party in hsbc.parties:
        created = wire.ask("POST", "/tenants", barclays.parent, json_body=subsidiary(barclays.parent, party.name))
        assert created.status == 201
        assert created.json()["parent_tenant_id"] == str(barclays.parent.tenant_id)


@residual(GROUP, "a subsidiary learns that its own organisation has this very name; not who has it")
async def test_a_taken_name_does_not_tell_who_took_it(wire: Wire, hsbc: Organization) -> None:
    """A subsidiary takes its sibling's name: it may learn of the conflict, and hopes for the sibling's id or data."""
    myself, sibling = hsbc.subsidiaries
    body = {"name": sibling.name, "metadata": {}}

    answer = wire.ask("PUT", f"/tenants/{myself.tenant_id}", myself, json_body=body)

    assert answer.status == 409
    assert str(sibling.tenant_id) not in answer.body.decode()
    assert sibling.name not in answer.body.decode()


@sees_nothing(GROUP)
async def test_an_idempotency_key_of_a_stranger_tells_nothing(
    wire: Wire, hsbc: Organization, barclays: Organization
) -> None:
    """Barclays repeats HSBC's Idempotency-Key, with the same and another body, hoping for HSBC's remembered answer."""
    key = {"Idempotency-Key": f"key-{hsbc.parent.tenant_id}"}
    wire.ask("POST", "/tenants", hsbc.parent, headers=key, json_body=subsidiary(hsbc.parent, "Secret plan"))
    fresh_key = {"Idempotency-Key": f"key-{barclays.parent.tenant_id}"}

    for body in (subsidiary(barclays.parent, "Secret plan"), subsidiary(barclays.parent, "Another plan")):
        answer = wire.ask("POST", "/tenants", barclays.parent, headers=key, json_body=body)
        assert answer.status == (201 if body["name"] == "Secret plan" else 422)
        assert told_about(hsbc, answer) == []
    smuggled = subsidiary(hsbc.parent, "Secret plan")
    with_key = wire.ask("POST", "/tenants", barclays.parent, headers=key, json_body=smuggled)
    assert with_key.status in {403, 422}
    refused = [wire.ask("POST", "/tenants", barclays.parent, headers=h, json_body=smuggled) for h in (fresh_key, {})]
    assert refused[0].observable == refused[1].observable, "a refused creation with a key is refused as without"


@sees_nothing(GROUP)
async def test_a_subsidiary_does_not_read_its_parents_remembered_answer(wire: Wire, hsbc: Organization) -> None:
    """A subsidiary repeats its parent's creation, key and all, hoping for the answer that only the parent may see."""
    key = {"Idempotency-Key": f"key-{hsbc.parent.tenant_id}"}
    body = subsidiary(hsbc.parent, "Secret plan")
    created = wire.ask("POST", "/tenants", hsbc.parent, headers=key, json_body=body)

    answer = wire.ask("POST", "/tenants", hsbc.subsidiaries[0], headers=key, json_body=body)

    assert created.status == 201
    assert answer.status == 403
    assert created.json()["tenant_id"] not in answer.body.decode()


@sees_nothing(GROUP)
async def test_a_key_tells_a_subsidiary_nothing_about_its_parents_requests(wire: Wire, hsbc: Organization) -> None:
    """A subsidiary tries keys, hoping that one its parent has used is refused otherwise than an unused one."""
    key = {"Idempotency-Key": f"key-{hsbc.parent.tenant_id}"}
    wire.ask("POST", "/tenants", hsbc.parent, headers=key, json_body=subsidiary(hsbc.parent, "Secret plan"))

    probes = [
        wire.ask("POST", "/tenants", hsbc.subsidiaries[0], headers=h, json_body=subsidiary(hsbc.parent, "A guess"))
        for h in (key, {"Idempotency-Key": "never-used"})
    ]

    assert probes[0].observable == probes[1].observable


@refused(GROUP)
async def test_a_strangers_token_after_a_deletion_opens_nothing(
    wire: Wire, registry: Registry, hsbc: Organization, as_admin: asyncpg.Connection
) -> None:
    """A closed subsidiary keeps its token and its id, hoping that one of them still opens the parent's door."""
    leaver = await registry.create_tenant("Leaver", hsbc.parent.tenant_id)
    assert wire.ask("DELETE", f"/tenants/{leaver.tenant_id}", hsbc.parent).status == 204
    before = await stored_tenants(as_admin)

    for method, target in (("GET", "/tenants"), ("GET", f"/tenants/{leaver.tenant_id}"), ("DELETE", "/tenants/x")):
        answer = wire.ask(method, target, leaver)
        assert answer.status in {401, 422}
        assert told_about(hsbc, answer) == []
    assert await stored_tenants(as_admin) == before
