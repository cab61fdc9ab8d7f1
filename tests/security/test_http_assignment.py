"""Fields that the caller may not set, and overridden methods."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.support.attack import refused, sees_nothing
from tests.support.context import stored_tenants
from tests.support.organization import Organization
from tests.support.secrets_of import told_about
from tests.support.wire import Wire
from tests.support.wire_answer import compose

GROUP = "over HTTP"

NOT_YOURS: dict[str, Any] = {
    "tenant_id": "0199ffff-0000-7000-8000-000000000000",
    "organization_id": "0199ffff-0000-7000-8000-000000000000",
    "version": 99,
    "created_at": "1999-01-01T00:00:00Z",
    "updated_at": "1999-01-01T00:00:00Z",
    "id": 1,
    "role": "platform_operator",
    "caller_role": "platform_operator",
    "is_admin": True,
    "metadata_": {"hidden": True},
    "__proto__": {"isAdmin": True},
    "__class__": "Tenant",
    "access_tokens": [{"role": "platform_operator"}],
}
FIXED = {"tenant_type": "parent", "parent_tenant_id": "0199ffff-0000-7000-8000-000000000000"}


@refused(GROUP)
async def test_a_new_tenant_takes_no_field_that_is_not_its_makers(
    wire: Wire, hsbc: Organization, as_admin: asyncpg.Connection
) -> None:
    """The attacker adds a field that the table has, or that others had, hoping that the model copies it along."""
    before = await stored_tenants(as_admin)
    body = {"name": "x", "tenant_type": "subsidiary", "parent_tenant_id": str(hsbc.parent.tenant_id)}
    for field, value in NOT_YOURS.items():
        answer = wire.ask("POST", "/tenants", hsbc.parent, json_body=body | {field: value})
        assert answer.status == 422, field
        assert [error["pointer"] for error in answer.json()["errors"]] == [f"/body/{field}"]
    assert await stored_tenants(as_admin) == before


@refused(GROUP)
async def test_a_tenant_changes_no_field_that_is_fixed(
    wire: Wire, hsbc: Organization, barclays: Organization, as_admin: asyncpg.Connection
) -> None:
    """The attacker becomes a subsidiary of a victim, or rewrites version and times, in the body of a rename."""
    before = await stored_tenants(as_admin)
    for field, usual in (NOT_YOURS | FIXED).items():
        value = str(barclays.parent.tenant_id) if field.endswith("_id") else usual
        body: dict[str, Any] = {"name": "x", "metadata": {}, field: value}
        answer = wire.ask("PUT", f"/tenants/{hsbc.subsidiaries[0].tenant_id}", hsbc.parent, json_body=body)
        assert answer.status == 422, field
        assert told_about(barclays, answer) == []
    assert await stored_tenants(as_admin) == before


@refused(GROUP)
async def test_no_tenant_founds_or_joins_another_organization(
    wire: Wire, hsbc: Organization, barclays: Organization, as_admin: asyncpg.Connection
) -> None:
    """The attacker creates a parent, a child of a stranger, or a third level, hoping to gain reach by kinship."""
    before = await stored_tenants(as_admin)
    stranger, child = str(barclays.parent.tenant_id), str(barclays.subsidiaries[0].tenant_id)
    own, own_child = str(hsbc.parent.tenant_id), str(hsbc.subsidiaries[0].tenant_id)
    attempts = [(hsbc.parent, kind, parent) for kind, parent in (("parent", None), ("subsidiary", stranger))]
    attempts += [(hsbc.parent, "subsidiary", parent) for parent in (child, own_child)]
    attempts += [(hsbc.subsidiaries[0], "subsidiary", parent) for parent in (own, own_child, stranger)]
    for party, kind, parent in attempts:
        body: dict[str, Any] = {"name": "x", "tenant_type": kind}
        if parent:
            body["parent_tenant_id"] = parent
        answer = wire.ask("POST", "/tenants", party, json_body=body)
        assert answer.status == 403, body
        assert told_about(barclays, answer) == []
    assert await stored_tenants(as_admin) == before


@sees_nothing(GROUP)
async def test_head_tells_no_more_than_get(wire: Wire, hsbc: Organization, barclays: Organization) -> None:
    """The attacker asks by HEAD for hidden ids and for absent ids, hoping that a header tells them apart."""
    hidden, absent = f"/tenants/{hsbc.parent.tenant_id}", f"/tenants/{uuid4()}"
    for party in (barclays.parent, barclays.subsidiaries[0], None):
        answers = [wire.ask("HEAD", target, party) for target in (hidden, absent)]
        assert {answer.status for answer in answers} == {404 if party else 401}
        assert len({answer.observable for answer in answers}) == 1
        assert told_about(hsbc, *answers) == []
        assert [answer.body for answer in answers] == [b"", b""]


@sees_nothing(GROUP)
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_method_is_not_overridden(
    wire: Wire, hsbc: Organization, as_admin: asyncpg.Connection, method: str
) -> None:
    """The attacker names DELETE in headers, query and body of a harmless method, hoping to pass a gateway."""
    before = await stored_tenants(as_admin)
    target = f"/tenants/{hsbc.subsidiaries[0].tenant_id}"
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"):
        answer = wire.ask(method, target, hsbc.parent, headers={header: "DELETE"})
        assert answer.status == (405 if method == "POST" else 200)
    for query in ("_method=DELETE", "method=DELETE", "X-HTTP-Method-Override=DELETE"):
        answer = wire.ask(method, f"{target}?{query}", hsbc.parent, json_body={"_method": "DELETE"})
        assert answer.status == (405 if method == "POST" else 422)
    assert await stored_tenants(as_admin) == before


@refused(GROUP)
@pytest.mark.parametrize(
    "method",
    [
        "PATCH",
        "TRACE",
        "OPTIONS",
        "CONNECT",
        "PROPFIND",
        "COPY",
        "MOVE",
        "LINK",
        "PURGE",
        "delete",
        "Put",
        "QUERY",
    ],
)
async def test_an_unusual_method_does_nothing(
    wire: Wire, hsbc: Organization, barclays: Organization, as_admin: asyncpg.Connection, method: str
) -> None:
    """The attacker sends unusual methods, with and without a token, hoping for an open route."""
    before = await stored_tenants(as_admin)
    answers = []
    for party in (hsbc.parent, barclays.parent, None):
        pairs = [("Authorization", f"Bearer {party.token}")] if party else []
        for target in ("/tenants", f"/tenants/{hsbc.parent.tenant_id}", "/health"):
            request = compose(method, target, [*pairs, ("X-Echo", "a-secret-of-the-caller")])
            try:
                answers.append(wire.exchange(request, method))
            except ConnectionError:
                return  # refused by the server itself, connection and all
            assert answers[-1].status in {400, 405}
            if answers[-1].header("connection") == "close":
                return
    assert told_about(hsbc, *answers) == told_about(barclays, *answers) == []
    assert all(b"a-secret-of-the-caller" not in answer.body for answer in answers)
    assert len({answer.observable for answer in answers[1::3]}) == 1, "own and hidden ids are refused alike"
    assert await stored_tenants(as_admin) == before
