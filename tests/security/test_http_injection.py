"""Injection over HTTP: into SQL, into the path, into what parsers disagree on."""

from urllib.parse import quote

import asyncpg
import pytest

from tests.support.attack import refused, sees_nothing
from tests.support.context import stored_tenants
from tests.support.injections import INVISIBLE, SQL, UNICODE
from tests.support.organization import Organization
from tests.support.secrets_of import told_about
from tests.support.wire import Wire
from tests.support.wire_answer import compose

GROUP = "over HTTP"

REFUSED = {400, 401, 404, 405, 422}


@sees_nothing(GROUP)
@pytest.mark.parametrize("texts", [SQL, UNICODE, INVISIBLE], ids=["sql", "unicode", "invisible"])
async def test_text_in_a_body_stays_text(
    wire: Wire, hsbc: Organization, barclays: Organization, as_admin: asyncpg.Connection, texts: tuple[str, ...]
) -> None:
    """The attacker writes SQL or odd letters as name, as key and as value, hoping that some layer reads more in it."""
    mine = f"/tenants/{hsbc.parent.tenant_id}"
    others = [row for row in await stored_tenants(as_admin) if row["tenant_id"] != hsbc.parent.tenant_id]
    for text in texts:
        metadata = {text: text, "nested": [{"deep": text}]}
        name = hsbc.parent.name if text in INVISIBLE else text
        answer = wire.ask("PUT", mine, hsbc.parent, json_body={"name": name, "metadata": metadata})
        assert answer.status == 200, text
        assert (answer.json()["name"], answer.json()["metadata"]) == (name, metadata)
        assert told_about(barclays, answer) == []
        assert wire.ask("GET", mine, hsbc.parent).json() == answer.json()
    stored = await stored_tenants(as_admin)
    assert [row for row in stored if row["tenant_id"] != hsbc.parent.tenant_id] == others


@refused(GROUP)
@pytest.mark.parametrize("field", ["tenant_type", "parent_tenant_id", "metadata"])
async def test_sql_in_a_typed_field_is_refused_unread(wire: Wire, hsbc: Organization, field: str) -> None:
    """The attacker writes SQL where an id, a type or an object belongs, hoping that it is quoted unchecked."""
    body = {"name": "x", "tenant_type": "subsidiary", "parent_tenant_id": str(hsbc.parent.tenant_id)}
    for text in SQL:
        answer = wire.ask("POST", "/tenants", hsbc.parent, json_body=body | {field: text})
        assert answer.status == 422, text
        assert text not in str(answer.json()), "what is refused is not repeated"


@refused(GROUP)
@pytest.mark.parametrize(
    "target", ["/tenants/{}", "/tenants?cursor={}", "/tenants?limit={}", "/tenants?tenant_type={}"]
)
async def test_sql_in_path_and_query_is_refused_unread(
    wire: Wire, hsbc: Organization, barclays: Organization, target: str
) -> None:
    """The attacker writes SQL into every parameter, hoping that one is put into a statement as it came."""
    for text in SQL:
        answer = wire.ask("GET", target.format(quote(text, safe="")), hsbc.parent)
        assert answer.status == (404 if "/" in text and target.endswith("/{}") else 422), text
        assert told_about(barclays, answer) == []
        assert text not in answer.body.decode()


@sees_nothing(GROUP)
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "Idempotency-Key", "X-Request-ID", "Authorization"])
async def test_sql_in_a_header_stays_text(
    wire: Wire, hsbc: Organization, barclays: Organization, as_admin: asyncpg.Connection, name: str
) -> None:
    """The attacker writes SQL into every header that is read, hoping that one of them reaches a statement."""
    before = await stored_tenants(as_admin)
    party = None if name == "Authorization" else hsbc.parent
    mine = f"/tenants/{hsbc.subsidiaries[0].tenant_id}"
    for text in SQL:
        headers = {name: f"Bearer {text}" if name == "Authorization" else text}
        read = wire.ask("GET", mine, party, headers=headers)
        founded = wire.ask("POST", "/tenants", party, headers=headers, json_body={"name": "x", "tenant_type": "parent"})
        assert read.status in {200, 400, 401}, text
        assert founded.status in {400, 401, 403, 422}, text
        assert told_about(barclays, read, founded) == []
    assert await stored_tenants(as_admin) == before


@refused(GROUP)
@pytest.mark.parametrize(
    "target",
    [
        "/tenants/../tenants/{id}",
        "/tenants/..%2f..%2fetc%2fpasswd",
        "/tenants/%2e%2e/%2e%2e/etc/passwd",
        "/tenants%2f{id}",
        "/tenants/{id}%2f",
        "/tenants/{id}/",
        "/tenants//{id}",
        "//tenants/{id}",
        "/TENANTS/{id}",
        "/tenants/{id}%00",
        "/tenants/{id}%20",
        "/tenants/{id};jsessionid=1",
        "/tenants/{id}%3fcascade=true",
        "/tenants/{id}%23",
        "/tenants/%ef%bc%91{id}",
        "/tenants/%ff%fe",
        "/tenants/{id}\\..\\x",
        "/tenants/%252e%252e%252f{id}",
        "/docs/../tenants/{id}",
        "/static-offline-docs/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/static-offline-docs/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "http://service/tenants/{id}/../",
    ],
)
async def test_a_twisted_path_leads_nowhere(
    wire: Wire, hsbc: Organization, barclays: Organization, as_admin: asyncpg.Connection, target: str
) -> None:
    """The attacker twists a stranger's path, hoping that two layers read it differently."""
    before = await stored_tenants(as_admin)
    path = target.format(id=barclays.subsidiaries[0].tenant_id)
    for method in ("GET", "DELETE"):
        answer = wire.ask(method, path, hsbc.parent)
        assert answer.status in REFUSED
        assert b"root:" not in answer.body
        assert [name for name in told_about(barclays, answer) if name.startswith(("Barclays", "mtdb_"))] == []
    assert await stored_tenants(as_admin) == before


@sees_nothing(GROUP)
async def test_other_spellings_of_an_id_reach_nothing_more(
    wire: Wire, hsbc: Organization, barclays: Organization
) -> None:
    """The attacker writes a stranger's id in each way a UUID may be written, hoping that one spelling slips through."""
    for party, expected in ((barclays.parent, 404), (hsbc.subsidiaries[0], 200)):
        plain = str(party.tenant_id)
        for spelling in (plain, plain.upper(), party.tenant_id.hex, f"%7B{plain}%7D", f"urn:uuid:{plain}"):
            assert wire.ask("GET", f"/tenants/{spelling}", hsbc.parent).status == expected, spelling


@refused(GROUP)
async def test_repeated_and_foreign_parameters_are_refused(wire: Wire, hsbc: Organization) -> None:
    """The attacker repeats parameters or adds likely ones, hoping to choose a filter."""
    victim = "0199ffff-0000-7000-8000-000000000000"
    for query in (
        f"tenant_id={victim}",
        f"organization_id={victim}",
        f"parent_tenant_id={victim}",
        "where=1%3D1",
        "order_by=name",
        "limit[]=1",
        "tenant_type[$ne]=parent",
        "limit=1&limit=-1",
        "limit=1e3",
        "limit=0",
        "limit=1001",
        "limit=%EF%BC%91%00",
        "cursor=%00",
    ):
        assert wire.ask("GET", f"/tenants?{query}", hsbc.parent).status == 422, query


@refused(GROUP)
async def test_a_body_that_parsers_read_differently_is_refused(wire: Wire, hsbc: Organization) -> None:
    """The attacker sends JSON that two parsers read differently, hoping that one checks and the other acts."""
    mine = f"/tenants/{hsbc.parent.tenant_id}"
    for body in (
        b'{"name":"a","name":"b","metadata":{}}',
        b'{"name":"a","metadata":{"x":1,"x":2}}',
        b'{"name":"a","metadata":{"x":NaN}}',
        b'{"name":"a\\u0000","metadata":{}}',
        b'{"name":"a","metadata":{"\\u0000":1}}',
        b'{"name":"\\ud800","metadata":{}}',
        b'{"name":"a","metadata":{}}{"name":"b","metadata":{}}',
        b'\xef\xbb\xbf{"name":"a","metadata":{}}',
        '{"name":"a","metadata":{}}'.encode("utf-16"),
        b'{"name":"\xff","metadata":{}}',
        b'{"name":"a","metadata":{}/**/}',
        b'[{"name":"a","metadata":{}}]',
        b"[" * 60_000,
        b"",
    ):
        answer = wire.ask("PUT", mine, hsbc.parent, json_body=body)
        assert answer.status in {400, 422}, body[:60]
    assert wire.ask("GET", mine, hsbc.parent).json()["version"] == 1


@refused(GROUP)
async def test_a_body_of_another_type_is_refused(wire: Wire, hsbc: Organization) -> None:
    """The attacker sends the body as a form, as XML or as something unheard of, hoping for a second, laxer parser."""
    body = b'{"name":"a","metadata":{}}'
    for media_type in (
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "text/plain",
        "application/json; charset=utf-7",
        "application/json, text/html",
        "application/merge-patch+json",
    ):
        pairs = [("Authorization", f"Bearer {hsbc.parent.token}"), ("Content-Type", media_type)]
        answer = wire.exchange(compose("PUT", f"/tenants/{hsbc.parent.tenant_id}", pairs, body))
        assert answer.status == 415, media_type
