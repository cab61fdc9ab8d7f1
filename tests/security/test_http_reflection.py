"""Answers, links, logs and documents: they repeat neither an attacker's text nor a tenant's data."""

import json
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.support.attack import sees_nothing
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.secrets_of import told_about
from tests.support.served_process import ServedProcess
from tests.support.wire import Wire

GROUP = "over HTTP"

HOSTS = ("evil.example", "evil.example:1", "service@evil.example", "[::1]", "127.0.0.1.evil.example")


def subsidiary(parent: Party) -> dict[str, str]:
    """Return the body that creates a subsidiary."""
    return {"name": "Reflected", "tenant_type": "subsidiary", "parent_tenant_id": str(parent.tenant_id)}


@sees_nothing(GROUP)
@pytest.mark.parametrize("host", HOSTS)
async def test_links_do_not_repeat_the_host(wire: Wire, hsbc: Organization, host: str) -> None:
    """The attacker names another host, hoping that Location and Link send the next client, with its token, there."""
    headers = {"X-Forwarded-Host": host, "X-Forwarded-Proto": "javascript", "Forwarded": f"host={host}"}

    created = wire.ask("POST", "/tenants", hsbc.parent, json_body=subsidiary(hsbc.parent), headers=headers, host=host)
    page = wire.ask("GET", "/tenants?limit=1", hsbc.parent, headers=headers, host=host)

    assert (created.status, page.status) == (201, 200)
    for link in (created.header("location"), (page.header("link") or "").partition("<")[2].partition(">")[0]):
        parts = urlsplit(link)
        assert (parts.scheme, parts.netloc) == ("", "")
        assert str(parts.path).startswith("/tenants")
    for answer in (created, page):
        assert "evil" not in f"{answer.headers}{answer.body!r}"


@sees_nothing(GROUP)
@pytest.mark.parametrize(
    "target", ["//evil.example/tenants", "http://evil.example/tenants", "/tenants/..//evil.example"]
)
async def test_links_do_not_repeat_the_path(wire: Wire, hsbc: Organization, target: str) -> None:
    """The attacker writes a host into the path, hoping that a redirect or a Link sends the next client there."""
    for method, body in (("GET", None), ("POST", subsidiary(hsbc.parent))):
        answer = wire.ask(method, target, hsbc.parent, json_body=body)
        assert "evil.example" not in f"{answer.headers}{answer.body!r}"
        assert answer.status in {200, 201, 400, 404, 405, 422}, "in particular, no redirect"
        assert (answer.header("location") or "/tenants/").startswith("/tenants/")


@sees_nothing(GROUP)
@pytest.mark.parametrize(
    "request_id",
    [
        'abcdefgh","level":"forged","x":"',
        "abcdefgh\\n{}",
        "${jndi:ldap://evil.example}",
        "<script>alert(1)</script>",
        "short",
        "x" * 65,
        "abcdefgh é",
        "../../../../etc/passwd",
        "abcdefgh abcdefgh",
    ],
)
async def test_a_request_id_that_is_no_id_goes_nowhere(
    wire: Wire,
    service: ServedProcess,
    hsbc: Organization,
    as_admin: asyncpg.Connection,
    request_id: str,
) -> None:
    """The attacker writes text into X-Request-ID, hoping to forge log lines, audit entries or an answer's header."""
    headers = {"X-Request-ID": request_id}
    answer = wire.ask("POST", "/tenants", hsbc.parent, json_body=subsidiary(hsbc.parent), headers=headers)

    given = answer.header("x-request-id") or ""
    event = await as_admin.fetchrow(
        "SELECT request_id FROM tenancy.tenant_events WHERE tenant_id = $1", answer.json()["tenant_id"]
    )
    lines = [json.loads(line) for line in service.log_until(given).splitlines()]
    mine = [line for line in lines if line.get("request_id") == given]
    assert given != request_id
    assert event["request_id"] == given
    assert [(line["event"], line["status"]) for line in mine] == [("request", 201)]
    assert not [line for line in lines if request_id in json.dumps(line, ensure_ascii=False)]


@sees_nothing(GROUP)
async def test_two_request_ids_make_one_at_most(
    wire: Wire, service: ServedProcess, hsbc: Organization, as_admin: asyncpg.Connection
) -> None:
    """The attacker sends two request ids, hoping that the log names one and the audit trail the other."""
    pairs = [("X-Request-ID", f"{n}-{hsbc.parent.tenant_id}") for n in ("first", "second")]

    answer = wire.ask("POST", "/tenants", hsbc.parent, json_body=subsidiary(hsbc.parent), headers=pairs)

    given = answer.header("x-request-id")
    lines = [line for line in service.log_until(given).splitlines() if str(hsbc.parent.tenant_id) in line]
    events = await as_admin.fetch(
        "SELECT request_id FROM tenancy.tenant_events WHERE organization_id = $1 AND event_type = 'created'"
        " AND new_values ->> 'name' = 'Reflected'",
        hsbc.parent.tenant_id,
    )
    assert answer.status in {201, 400}
    assert [event["request_id"] for event in events] == ([given] if answer.status == 201 else [])
    assert all(str(given) in line for line in lines)


@sees_nothing(GROUP)
async def test_the_log_holds_no_token_name_or_query(
    wire: Wire, service: ServedProcess, hsbc: Organization, barclays: Organization
) -> None:
    """The attacker reads the log, hoping for tokens, names or metadata in lines about requests and their failures."""
    token, secret = barclays.parent.token, f"secret-{hsbc.parent.tenant_id.hex}"
    own = f"/tenants/{hsbc.parent.tenant_id}"
    body = {"name": secret, "metadata": {secret: secret}}
    taken = {"name": hsbc.subsidiaries[0].name, "metadata": {"x": secret}}
    wire.ask("PUT", own, hsbc.parent, json_body=body)
    wire.ask("PUT", own, hsbc.parent, json_body=taken)
    wire.ask("PUT", own, hsbc.parent, json_body=f'{{"name": "{secret}", '.encode())
    wire.ask("PUT", own, hsbc.parent, json_body={"name": "x", "metadata": {secret: [1e300] * 230}})
    wire.ask("GET", f"/tenants?cursor={secret}&access_token={token}", hsbc.parent)
    wire.ask("GET", f"/tenants/{secret}", hsbc.parent)
    wire.ask("GET", f"/{secret}", hsbc.parent)
    wire.ask("GET", "/tenants", headers={"Authorization": f"Bearer {token}x", "X-Secret": secret})
    last = wire.ask("POST", "/tenants", hsbc.parent, json_body=subsidiary(barclays.parent))

    text = service.log_until(last.header("x-request-id"))

    assert text.count(str(hsbc.parent.tenant_id)) >= 3, "the requests that reached the database are in the log"
    for hidden in (secret, token, hsbc.parent.token, hsbc.parent.name, hsbc.subsidiaries[0].name, barclays.parent.name):
        assert hidden not in text


@sees_nothing(GROUP)
async def test_open_pages_show_no_tenant_and_no_secret(
    wire: Wire, service: ServedProcess, hsbc: Organization, barclays: Organization
) -> None:
    """The attacker reads what needs no token, hoping that documentation or health tells about tenants or the server."""
    wire.ask("GET", "/tenants", hsbc.parent)
    answers = [wire.ask("GET", target) for target in ("/health", "/openapi.json", "/docs", "/redoc", "/docs?tenant=1")]

    assert answers[0].status == answers[1].status == answers[2].status == 200
    assert told_about(hsbc, *answers) == told_about(barclays, *answers) == []
    for answer in answers:
        text = f"{answer.headers}{answer.body.decode(errors='replace')}".lower()
        for word in ("password", "postgresql://", "traceback", "asyncpg", "tenancy_api", str(service.log.parent)):
            assert word not in text
    paths = answers[1].json()["paths"]
    assert {(path, method) for path, methods in paths.items() for method in methods} >= {
        ("/health", "get"),
        ("/tenants", "post"),
        ("/tenants", "get"),
        ("/tenants/{tenant_id}", "get"),
        ("/tenants/{tenant_id}", "put"),
        ("/tenants/{tenant_id}", "delete"),
    }


@sees_nothing(GROUP)
async def test_errors_explain_nothing_about_the_inside(wire: Wire, hsbc: Organization, barclays: Organization) -> None:
    """The attacker provokes every refusal, hoping for SQL, constraint names, traces or versions in the answer."""
    own = f"/tenants/{hsbc.parent.tenant_id}"
    foreign = f"/tenants/{barclays.parent.tenant_id}"
    answers = [
        wire.ask("GET", "/tenants"),
        wire.ask("GET", foreign, hsbc.parent),
        wire.ask("DELETE", own, hsbc.parent),
        wire.ask("PUT", own, hsbc.parent, json_body={"name": hsbc.subsidiaries[0].name, "metadata": {}}),
        wire.ask("PUT", own, hsbc.parent, json_body={"name": "x", "metadata": {"x": [1e300] * 230}}),
        wire.ask("PUT", own, hsbc.parent, json_body={"name": "x", "metadata": {}}, headers={"If-Match": "nonsense"}),
        wire.ask("POST", "/tenants", hsbc.parent, json_body=subsidiary(barclays.parent)),
        wire.ask("PATCH", own, hsbc.parent),
    ]
    assert [answer.status for answer in answers] == [401, 404, 403, 409, 422, 400, 403, 405]
    assert told_about(barclays, *answers) == []
    for answer in answers:
        text = f"{answer.headers}{answer.body.decode()}".lower()
        for word in ("select", "insert into", "policy", "_fkey", "_pkey", "_unique", "line ", "sqlalchemy", "uvicorn"):
            assert word not in text, (answer.status, word)
