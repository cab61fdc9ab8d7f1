"""Idempotency keys: lifetime, format, and their functions in SQL."""

from datetime import timedelta
from time import perf_counter
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.support.context import presenting
from tests.support.organization import Organization
from tests.support.requests import create, new_subsidiary, outcome

LOCK_TIMEOUT_SECONDS = 2
REUSED = "422 idempotency_key_reused"
AGE = "UPDATE tenancy_private.idempotency_keys SET created_at = now() - $2::interval WHERE idempotency_key = $1"
STORED = "SELECT count(*) FROM tenancy_private.idempotency_keys WHERE idempotency_key = $1"
BEGIN = "SELECT is_new, is_same, answer FROM tenancy.begin_request($1, sha256(convert_to($2, 'UTF8')))"
ADD_EXPIRED = """
    INSERT INTO tenancy_private.idempotency_keys (tenant_id, idempotency_key, request_hash, created_at)
    SELECT gen_random_uuid(), 'old ' || n, sha256('x'), now() - interval '3 days' + n * interval '1 second'
    FROM generate_series(1, 250) AS n
"""
FINISH = "SELECT tenancy.finish_request($1, $2)"


def key() -> str:
    """Return an unused key."""
    return f"key-{uuid4()}"


async def age(as_admin: asyncpg.Connection, idempotency_key: str, hours: float) -> None:
    """Make a remembered request that old."""
    assert await as_admin.execute(AGE, idempotency_key, timedelta(hours=hours)) == "UPDATE 1"


async def test_a_key_lives_for_24_hours(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """Just before, it still stands for its request; just after, it is free for another one."""
    idempotency_key = key()
    body, other = new_subsidiary(hsbc.parent), new_subsidiary(hsbc.parent)
    first = await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)

    await age(as_admin, idempotency_key, 23.99)
    assert (await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)).content == first.content
    assert outcome(await create(client, hsbc.parent, other, Idempotency_Key=idempotency_key)) == REUSED

    await age(as_admin, idempotency_key, 24.01)
    renewed = await create(client, hsbc.parent, other, Idempotency_Key=idempotency_key)
    assert renewed.status_code == 201
    assert renewed.json()["tenant_id"] != first.json()["tenant_id"]
    assert (await create(client, hsbc.parent, other, Idempotency_Key=idempotency_key)).content == renewed.content
    assert outcome(await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)) == REUSED


async def test_expired_keys_are_removed_by_the_next_request(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """Another organisation's next use of any key clears away those that expired a day ago, and only those."""
    long_expired, expired, fresh = key(), key(), key()
    for each in (long_expired, expired, fresh):
        await create(client, hsbc.parent, new_subsidiary(hsbc.parent), Idempotency_Key=each)
    await age(as_admin, long_expired, 48.01)
    await age(as_admin, expired, 47.99)

    await create(client, barclays.parent, new_subsidiary(barclays.parent), Idempotency_Key=key())

    assert [await as_admin.fetchval(STORED, each) for each in (long_expired, expired, fresh)] == [0, 1, 1]


async def test_no_strangers_transaction_delays_the_next_use_of_an_expired_key(
    client: httpx.AsyncClient,
    as_admin: asyncpg.Connection,
    as_api: asyncpg.Connection,
    hsbc: Organization,
    barclays: Organization,
) -> None:
    """What clears keys away locks them until its transaction ends, so it skips keys that may still be used."""
    expired = key()
    await create(client, hsbc.parent, new_subsidiary(hsbc.parent), Idempotency_Key=expired)
    await age(as_admin, expired, 24.01)

    async with presenting(as_api, barclays.parent.token):
        await as_api.fetch(BEGIN, key(), "anything")
        again = await create(client, hsbc.parent, new_subsidiary(hsbc.parent), Idempotency_Key=expired)

    assert outcome(again) == "201"


async def test_clearing_away_is_bounded(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """One request removes at most a hundred expired keys, the oldest first, so none pays for all."""
    await as_admin.execute("DELETE FROM tenancy_private.idempotency_keys")
    await as_admin.execute(ADD_EXPIRED)
    left = "SELECT count(*), min(substring(idempotency_key FROM 5)::integer) FROM tenancy_private.idempotency_keys"
    for expected in ((150, 101), (50, 201), (0, None)):
        await create(client, hsbc.parent, new_subsidiary(hsbc.parent), Idempotency_Key=key())
        assert tuple(await as_admin.fetchrow(f"{left} WHERE idempotency_key LIKE 'old %'")) == expected


async def test_an_expired_key_is_free_before_it_is_cleared_away(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """While older ones are cleared away first, an expired key stands for whatever its user asks next, and no longer."""
    idempotency_key = key()
    body, other = new_subsidiary(hsbc.parent), new_subsidiary(hsbc.parent)
    await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)
    await age(as_admin, idempotency_key, 25)
    await as_admin.execute(ADD_EXPIRED)

    renewed = await create(client, hsbc.parent, other, Idempotency_Key=idempotency_key)

    assert outcome(renewed) == "201"
    assert (await create(client, hsbc.parent, other, Idempotency_Key=idempotency_key)).content == renewed.content
    assert outcome(await create(client, hsbc.parent, body, Idempotency_Key=idempotency_key)) == REUSED
    await as_admin.execute("DELETE FROM tenancy_private.idempotency_keys WHERE idempotency_key LIKE 'old %'")


@pytest.mark.parametrize(
    "malformed",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"a b", id="blank"),
        pytest.param(b"a\tb", id="tab"),
        pytest.param(b"k" * 256, id="256 characters"),
        pytest.param("ü".encode(), id="UTF-8"),
        pytest.param(b"\xfc", id="Latin-1"),
        pytest.param(b"a\x7f", id="DEL"),
    ],
)
async def test_a_malformed_key_is_refused(
    client: httpx.AsyncClient, as_admin: asyncpg.Connection, hsbc: Organization, malformed: bytes
) -> None:
    """A key has 1 to 255 visible ASCII characters; anything else is a 422 that points to the header."""
    body = new_subsidiary(hsbc.parent)
    headers = [*hsbc.parent.headers.items(), (b"Idempotency-Key", malformed)]
    answer = await client.post("/tenants", json=body, headers=headers)  # type: ignore[arg-type]  # httpx takes the mixture
    assert outcome(answer) == "422 invalid_request"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/header/Idempotency-Key"]
    assert await as_admin.fetchval("SELECT count(*) FROM tenancy.tenants WHERE name = $1", body["name"]) == 0


@pytest.mark.parametrize("unusual", ["k", "k" * 255, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "');DELETE/**/FROM/**/t--"])
async def test_an_unusual_key_is_a_key(client: httpx.AsyncClient, hsbc: Organization, unusual: str) -> None:
    """Any visible ASCII is a valid key, compared literally."""
    body = new_subsidiary(hsbc.parent)
    first = await create(client, hsbc.parent, body, Idempotency_Key=unusual)
    assert first.status_code == 201
    assert (await create(client, hsbc.parent, body, Idempotency_Key=unusual)).content == first.content


@pytest.mark.parametrize("as_platform", [False, True])
async def test_sql_reads_no_other_organisations_answers(
    client: httpx.AsyncClient, as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization, as_platform: bool
) -> None:
    """With another organisation's token, as tenant or in the platform's role, a taken key looks like an unused one."""
    taken = key()
    assert outcome(await create(client, hsbc.parent, new_subsidiary(hsbc.parent), Idempotency_Key=taken)) == "201"
    seen = []
    for idempotency_key in (taken, key()):
        async with presenting(as_api, barclays.parent.token, as_platform=as_platform):
            seen.append(tuple(await as_api.fetchrow(BEGIN, idempotency_key, "guess")))
    assert seen == [(True, True, None)] * 2


@pytest.mark.parametrize("token", [None, "", "mtdb_invented"])
@pytest.mark.parametrize("as_platform", [False, True])
async def test_without_a_live_token_there_are_no_keys(
    as_api: asyncpg.Connection, token: str | None, as_platform: bool
) -> None:
    """Without a valid token the functions raise 28000, whichever role calls them."""
    for statement, arguments in ((BEGIN, ("k", "x")), (FINISH, ("k", "{}"))):
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            async with presenting(as_api, token, as_platform=as_platform):
                await as_api.fetch(statement, *arguments)


async def test_an_answer_is_written_once(
    client: httpx.AsyncClient, as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """Neither a stranger nor the organisation itself replaces an answer that was given."""
    taken, body = key(), new_subsidiary(hsbc.parent)
    first = await create(client, hsbc.parent, body, Idempotency_Key=taken)
    for token in (barclays.parent.token, hsbc.parent.token, hsbc.subsidiaries[0].token):
        async with presenting(as_api, token):
            await as_api.fetch(FINISH, taken, '{"forged": true}')
    assert (await create(client, hsbc.parent, body, Idempotency_Key=taken)).content == first.content


async def test_a_strangers_key_is_not_waited_for(
    client: httpx.AsyncClient, as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """A request does not wait for another organisation's transaction with the same key, so its time tells nothing."""
    held = key()
    async with presenting(as_api, hsbc.parent.token):
        await as_api.fetch(BEGIN, held, "x")
        began = perf_counter()
        answer = await create(client, barclays.parent, new_subsidiary(barclays.parent), Idempotency_Key=held)
        assert (outcome(answer), perf_counter() - began < LOCK_TIMEOUT_SECONDS) == ("201", True)
