"""Tokens in wrong places and spellings, and requests that hide a second request."""

import asyncpg
import pytest

from tests.support.attack import refused, sees_nothing
from tests.support.context import stored_tenants
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.secrets_of import told_about
from tests.support.served_process import ServedProcess
from tests.support.wire import Wire
from tests.support.wire_answer import WireAnswer, compose

GROUP = "over HTTP"


def seen(answer: WireAnswer) -> set[str]:
    """Return the ids that a list shows."""
    return {item["tenant_id"] for item in answer.json()["items"]}


def reach(organization: Organization) -> set[str]:
    """Return what a parent sees."""
    return {str(party.tenant_id) for party in organization.parties}


@sees_nothing(GROUP)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
async def test_the_schemes_letter_case_does_not_matter(wire: Wire, hsbc: Organization, scheme: str) -> None:
    """The attacker writes the scheme in other letters, hoping that an unknown scheme is let through unchecked."""
    right = wire.ask("GET", "/tenants", headers={"Authorization": f"{scheme} {hsbc.parent.token}"})
    wrong = wire.ask("GET", "/tenants", headers={"Authorization": f"{scheme} {hsbc.parent.token[:-1]}"})

    assert (right.status, seen(right)) == (200, reach(hsbc))
    assert wrong.status == 401


@refused(GROUP)
async def test_a_token_counts_only_as_it_was_issued(wire: Wire, hsbc: Organization) -> None:
    """The attacker alters a token's letters and surroundings, hoping for a comparison that is not exact."""
    token = hsbc.parent.token
    for altered in (
        token.upper(),
        token.lower(),
        token.swapcase(),
        token[:-1],
        token + "A",
        token + "=",
        token.replace("mtdb_", "", 1),
        token.replace("mtdb_", "MTDB_", 1),
        f'"{token}"',
        f"{token},{token}",
        f"{token} {token}",
        "*",
        "%",
        "null",
        "undefined",
        str(hsbc.parent.tenant_id),
        "'; --",
        token + "é",
    ):
        answer = wire.ask("GET", "/tenants", headers={"Authorization": f"Bearer {altered}"})
        assert answer.status == 401, altered
        assert told_about(hsbc, answer) == []


@refused(GROUP)
async def test_a_token_anywhere_else_is_no_token(wire: Wire, hsbc: Organization) -> None:
    """The attacker puts a token into the query, a cookie or another header, hoping for a second way in that logs it."""
    token = hsbc.parent.token
    unsigned = wire.ask("GET", "/tenants")
    for headers in (
        {"Cookie": f"access_token={token}; Authorization=Bearer {token}"},
        {"X-Access-Token": token},
        {"X-Api-Key": token},
        {"Proxy-Authorization": f"Bearer {token}"},
        {"X-Forwarded-Authorization": f"Bearer {token}"},
        {"Authorization": token},
        {"Authorization": f"Basic {token}"},
        {"Authorization": f"Token {token}"},
        {"Authorization": f"Bearer\t{token}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": ""},
    ):
        answer = wire.ask("GET", "/tenants", headers=headers)
        assert answer.status == 401, headers
        assert told_about(hsbc, answer) == []
    for query in (f"access_token={token}", f"token={token}", f"authorization=Bearer%20{token}"):
        assert wire.ask("GET", f"/tenants?{query}").status in {401, 422}, query
    assert unsigned.header("www-authenticate") == "Bearer"


@refused(GROUP)
@pytest.mark.parametrize("first_is_mine", [True, False])
async def test_two_tokens_never_add_up(
    wire: Wire, hsbc: Organization, barclays: Organization, first_is_mine: bool
) -> None:
    """The attacker sends a header beside a victim's, hoping that one is checked and the other one used."""
    tokens = [barclays.parent.token, "mtdb_guessed-token-of-hsbc"]
    pairs = [("Authorization", f"Bearer {token}") for token in (tokens if first_is_mine else reversed(tokens))]

    answer = wire.ask("GET", "/tenants", headers=pairs)

    assert told_about(hsbc, answer) == []
    assert answer.status in {400, 401} or seen(answer) == reach(barclays)


@sees_nothing(GROUP)
async def test_headers_of_proxies_identify_no_caller(wire: Wire, hsbc: Organization, barclays: Organization) -> None:
    """The attacker names a victim in headers that gateways set, hoping that the service trusts its own gateway."""
    for header in (
        "X-Tenant-ID",
        "X-Organization-ID",
        "X-User-ID",
        "X-Forwarded-User",
        "X-Original-URL",
        "X-Rewrite-URL",
    ):
        value = f"/tenants/{hsbc.parent.tenant_id}" if header.endswith("URL") else str(hsbc.parent.tenant_id)
        answer = wire.ask("GET", "/tenants", barclays.parent, headers={header: value})
        assert (answer.status, seen(answer)) == (200, reach(barclays))


@refused(GROUP)
@pytest.mark.parametrize("separator", ["\r\n", "\n", "\r", "\r\n ", "\0", "\x0b", "\x85", "\x1b[2J"])
async def test_a_header_does_not_split(
    service: ServedProcess, hsbc: Organization, barclays: Organization, separator: str
) -> None:
    """The attacker puts a line break into a header's value, hoping to add headers to a request or to the answer."""
    for name in ("X-Request-ID", "If-None-Match", "Idempotency-Key"):
        smuggled = f"abcdefgh{separator}Set-Cookie: stolen=1"
        with Wire(service.port) as wire:
            try:
                answer = wire.ask("GET", "/tenants", barclays.parent, headers={name: smuggled})
            except ConnectionError:
                continue
            assert answer.status in {200, 400, 422}
            assert answer.header("set-cookie") is None
            assert "stolen" not in (answer.header("x-request-id") or "")
            assert told_about(hsbc, answer) == []


SMUGGLED = "DELETE /tenants/{victim} HTTP/1.1\r\nHost: service\r\nAuthorization: Bearer {token}\r\n\r\n"
AMBIGUOUS = {
    "two lengths": "Content-Length: 0\r\nContent-Length: {length}\r\n",
    "length and chunks": "Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n",
    "chunks, misspelt": "Content-Length: 0\r\nTransfer-Encoding: xchunked\r\n",
    "chunks, hidden": "Content-Length: 0\r\nTransfer-Encoding : chunked\r\n",
    "a signed length": "Content-Length: +0\r\n",
    "a folded line": "X-Folded: a\r\n Content-Length: {length}\r\n",
}


@refused(GROUP)
@pytest.mark.parametrize("framing", AMBIGUOUS)
async def test_a_request_hidden_in_another_has_no_caller(
    service: ServedProcess, hsbc: Organization, barclays: Organization, as_admin: asyncpg.Connection, framing: str
) -> None:
    """The attacker hides a request in a body, hoping it runs as the next caller on the connection."""
    victim = hsbc.subsidiaries[0]
    before = await stored_tenants(as_admin)
    hidden = SMUGGLED.format(victim=victim.tenant_id, token=barclays.parent.token)
    headers = AMBIGUOUS[framing].format(length=len(hidden))
    request = (
        f"GET /tenants HTTP/1.1\r\nHost: service\r\nAuthorization: Bearer {barclays.parent.token}\r\n{headers}\r\n"
    )
    with Wire(service.port) as wire:
        answer = wire.exchange((request + hidden).encode())
        assert answer.status == 400
        assert told_about(hsbc, answer) == []
        with pytest.raises(ConnectionError):
            wire.ask("GET", "/tenants", hsbc.parent)
    assert await stored_tenants(as_admin) == before


@sees_nothing(GROUP)
async def test_pipelined_requests_keep_their_callers_apart(
    wire: Wire, hsbc: Organization, barclays: Organization
) -> None:
    """The attacker's requests share one connection with a victim's, as behind a proxy, hoping for a victim's answer."""
    callers: list[tuple[Party, set[str]]] = [(hsbc.parent, reach(hsbc)), (barclays.parent, reach(barclays))] * 20
    requests = [compose("GET", "/tenants", [("Authorization", f"Bearer {party.token}")]) for party, _ in callers]

    answers = [wire.exchange(b"".join(requests)), *(wire.receive() for _ in requests[1:])]

    assert [seen(answer) for answer in answers] == [expected for _, expected in callers]
    assert wire.says_nothing_more()
