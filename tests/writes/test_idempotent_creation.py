"""Idempotency-Key on POST: a request that is repeated, for whatever reason, creates one tenant and gets one answer."""

import asyncio
import json
from collections import Counter
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.support.audit import types_of
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.requests import create, delete, new_subsidiary, outcome, replace

REUSED = "422 idempotency_key_reused"
IN_PROGRESS = "409 request_in_progress"
NUMBERS = [1.5, 5e-324, -0.25, 0.1, 9_007_199_254_740_991]
METADATA = {"z": 1, "a": [*NUMBERS, None, True, {"é": "匯豐 \U0001f3e6", "b": {}}], "m" * 99: ""}


def key() -> str:
    """Return an unused key."""
    return f"key-{uuid4()}"


async def repeat(client: httpx.AsyncClient, party: Party, raw: bytes | str, idempotency_key: str) -> httpx.Response:
    """POST exactly these bytes under the key."""
    headers = party.headers | {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
    return await client.post("/tenants", content=raw, headers=headers)


async def named(as_admin: asyncpg.Connection, name: object) -> int:
    """Return how many tenants bear the name."""
    count: int = await as_admin.fetchval("SELECT count(*) FROM tenancy.tenants WHERE name = $1", name)
    return count


def same_answer(first: httpx.Response, again: httpx.Response) -> bool:
    """Say whether two answers agree byte for byte, and in every header that is not each answer's own."""
    own = {"x-request-id", "date"}
    headers = [{name: value for name, value in each.headers.items() if name not in own} for each in (first, again)]
    return (first.status_code, first.content, headers[0]) == (again.status_code, again.content, headers[1])


async def test_a_repeated_request_gets_the_first_answer_byte_for_byte(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """The second answer is the first, bytes and headers, and there is one tenant with one event."""
    body, idempotency_key = new_subsidiary(hsbc.parent) | {"metadata": METADATA}, key()
    answers = [await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key) for _ in range(3)]

    assert answers[0].status_code == 201
    assert answers[0].json()["metadata"] == METADATA
    assert all(same_answer(answers[0], answer) for answer in answers)
    assert await named(as_admin, body["name"]) == 1
    assert await types_of(as_admin, answers[0].json()["tenant_id"]) == ["created"]


async def test_the_first_answer_is_given_also_after_the_tenant_has_changed(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """The repeated answer stays the same after the tenant is changed or deleted."""
    body, idempotency_key = new_subsidiary(hsbc.parent), key()
    first = await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)
    tenant_id = first.json()["tenant_id"]

    assert outcome(await replace(client, hsbc.parent, tenant_id, "Renamed")) == "200"
    assert same_answer(first, await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key))
    assert outcome(await delete(client, hsbc.parent, tenant_id)) == "204"
    assert same_answer(first, await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key))
    assert await named(as_admin, body["name"]) == 0


async def test_fifty_duplicates_at_once_create_one_tenant(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """However many copies of a request arrive together, all get the same 201, and one tenant is created."""
    body, idempotency_key = new_subsidiary(hsbc.parent), key()
    answers = await asyncio.gather(
        *(create(client, hsbc.parent, body, Idempotency_Key=idempotency_key) for _ in range(50))
    )
    assert Counter(map(outcome, answers)) == {"201": 50}
    assert all(same_answer(answers[0], answer) for answer in answers)
    assert await named(as_admin, body["name"]) == 1
    assert await types_of(as_admin, answers[0].json()["tenant_id"]) == ["created"]


async def test_the_same_body_in_another_spelling_is_the_same_request(
    client: httpx.AsyncClient, hsbc: Organization
) -> None:
    """Blanks, order of members, escapes, and what the service trims or normalizes do not make another request."""
    parent, idempotency_key, name = str(hsbc.parent.tenant_id), key(), f"Zürich {uuid4()}"
    common = {"name": name, "tenant_type": "subsidiary", "parent_tenant_id": parent}
    first = await repeat(client, hsbc.parent, json.dumps(common | {"metadata": {"a": 1, "b": "é"}}), idempotency_key)
    spellings = [
        json.dumps({"metadata": {"b": "é", "a": 1}} | common, indent=4, ensure_ascii=False),
        json.dumps(common | {"name": f"  {name}\n", "metadata": {"a": 1, "b": "é"}}),
        json.dumps(common | {"name": name.replace("ü", "u\u0308"), "metadata": {"a": 1, "b": "é"}}),
        json.dumps(common | {"parent_tenant_id": parent.upper(), "metadata": {"a": 1, "b": "é"}}),
    ]
    assert first.status_code == 201
    for spelling in spellings:
        assert same_answer(first, await repeat(client, hsbc.parent, spelling, idempotency_key))


async def test_left_out_and_empty_metadata_are_the_same_request(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """What the service fills in by itself may be written or left out."""
    body, idempotency_key = new_subsidiary(hsbc.parent) | {"metadata": {}}, key()
    first = await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)
    del body["metadata"]
    assert same_answer(first, await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key))


@pytest.mark.parametrize(
    "change", [{"name": "Another"}, {"metadata": {"a": 2}}, {"metadata": {"a": "1"}}, {"metadata": {}}]
)
async def test_another_body_is_refused(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization, change: dict[str, object]
) -> None:
    """The key stands for one request: with another body it is a 422 that creates nothing and leaves the first alone."""
    body, idempotency_key = new_subsidiary(hsbc.parent) | {"metadata": {"a": 1}}, key()
    first = await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)
    before = await as_admin.fetchval("SELECT count(*) FROM tenancy.tenants")

    assert outcome(await create(client, hsbc.parent, body | change, Idempotency_Key=idempotency_key)) == REUSED

    assert await as_admin.fetchval("SELECT count(*) FROM tenancy.tenants") == before
    assert same_answer(first, await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key))


async def test_a_duplicate_waits_for_the_first(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """While the first transaction is open, the duplicate is answered by neither success nor failure; then alike."""
    body, idempotency_key = new_subsidiary(hsbc.parent), key()
    holding = as_admin.transaction()
    await holding.start()
    # The new row's foreign key waits for the parent's row.
    await as_admin.execute("SELECT FROM tenancy.tenants WHERE tenant_id = $1 FOR UPDATE", hsbc.parent.tenant_id)
    both = [asyncio.create_task(create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)) for _ in range(2)]
    await asyncio.sleep(0.5)
    assert not any(task.done() for task in both)
    await holding.rollback()

    first, second = await asyncio.gather(*both)
    assert first.status_code == 201
    assert same_answer(first, second)


async def test_a_duplicate_does_not_wait_for_ever(
    client: httpx.AsyncClient, as_api: asyncpg.Connection, hsbc: Organization
) -> None:
    """Beyond the role's lock_timeout the duplicate is told to come again, with Retry-After; then it is carried out."""
    body, idempotency_key = new_subsidiary(hsbc.parent), key()
    holding = as_api.transaction()
    await holding.start()
    await as_api.execute("SELECT tenancy.sign_in($1)", hsbc.parent.token)
    await as_api.execute("SELECT tenancy.begin_request($1, sha256('another instance'))", idempotency_key)

    waited = await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)
    await holding.rollback()

    assert outcome(waited) == IN_PROGRESS
    assert waited.headers["Retry-After"] == "1"
    assert outcome(await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)) == "201"


async def test_a_failed_creation_remembers_nothing(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """After a refusal the same request succeeds with the same key once the reason is gone."""
    child, idempotency_key = hsbc.subsidiaries[0], key()
    body = new_subsidiary(hsbc.parent, child.name)
    assert outcome(await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)) == "409 name_taken"
    remembered = "SELECT count(*) FROM tenancy_private.idempotency_keys WHERE idempotency_key = $1"
    assert await as_admin.fetchval(remembered, idempotency_key) == 0

    assert outcome(await replace(client, hsbc.parent, child.tenant_id, "Out of the way")) == "200"
    assert outcome(await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)) == "201"


async def test_a_refusal_frees_the_key_for_another_body(client: httpx.AsyncClient, hsbc: Organization) -> None:
    """A refused request does not use up its key."""
    idempotency_key = key()
    wrong = {"name": "Mine", "tenant_type": "parent"}
    refused = await create(client, hsbc.parent, wrong, Idempotency_Key=idempotency_key)
    accepted = await create(client, hsbc.parent, new_subsidiary(hsbc.parent), Idempotency_Key=idempotency_key)
    assert [outcome(refused), outcome(accepted)] == ["403 operation_not_permitted", "201"]


async def test_keys_of_two_organisations_know_nothing_of_each_other(
    client: httpx.AsyncClient, hsbc: Organization, barclays: Organization
) -> None:
    """The same key means something else to another organisation, whatever its body: it learns nothing of the first."""
    idempotency_key = key()
    body = new_subsidiary(hsbc.parent)
    first = await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)
    same_key = await create(client, barclays.parent, new_subsidiary(barclays.parent), Idempotency_Key=idempotency_key)
    same_body = await create(client, barclays.parent, body, Idempotency_Key=key())

    assert [first.status_code, same_key.status_code] == [201, 201]
    assert outcome(same_body) == "403 operation_not_permitted"
    assert same_key.json()["tenant_id"] != first.json()["tenant_id"]
    assert same_answer(first, await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key))


async def test_a_subsidiary_learns_nothing_of_its_parents_requests(
    client: httpx.AsyncClient, hsbc: Organization
) -> None:
    """A subsidiary that knows key and body of its parent's request is refused like with any other key."""
    idempotency_key = key()
    body = new_subsidiary(hsbc.parent)
    assert outcome(await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)) == "201"
    same = await create(client, hsbc.subsidiaries[0], body, Idempotency_Key=idempotency_key)
    other = await create(client, hsbc.subsidiaries[0], new_subsidiary(hsbc.parent), Idempotency_Key=idempotency_key)
    assert [outcome(same), outcome(other)] == ["403 operation_not_permitted"] * 2


async def test_platform_operators_share_their_keys(
    client: httpx.AsyncClient, registry: Registry, hsbc: Organization, platform_operator: Party
) -> None:
    """A colleague who repeats an operator's request gets its answer; the organisation's own keys are others."""
    colleague = Party(uuid4(), "colleague", await registry.issue_operator_token())
    body, idempotency_key = {"name": f"Bank {uuid4()}", "tenant_type": "parent"}, key()
    first = await create(client, platform_operator, body, Idempotency_Key=idempotency_key)
    assert first.status_code == 201
    assert same_answer(first, await create(client, colleague, body, Idempotency_Key=idempotency_key))
    own = await create(client, hsbc.parent, new_subsidiary(hsbc.parent), Idempotency_Key=idempotency_key)
    assert own.status_code == 201
