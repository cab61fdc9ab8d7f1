"""Tampering with what is recorded: the audit trail, and the remembered answers to repeated requests."""

import json

import asyncpg
import httpx
import pytest

from multi_tenant_db.schemas import TenantCreate
from multi_tenant_db.schemas.examples import TENANT
from multi_tenant_db.services.idempotent_creation import fingerprint
from tests.support.attack import refused, residual, sees_nothing
from tests.support.attempt import attempt, attempt_quietly
from tests.support.context import presenting
from tests.support.organization import Organization

GROUP = "tampering with records"
BEGIN_REQUEST = "SELECT is_new, is_same, answer FROM tenancy.begin_request('{key}', sha256('{body}'))"
FINISH_REQUEST = "SELECT tenancy.finish_request('{key}', '{answer}')"
CHANGES = (
    "UPDATE tenancy.tenants SET name = name || '!' WHERE tenant_id = '{id}' RETURNING {change}",
    "UPDATE tenancy.tenants SET name = coalesce(nullif({change}, ''), '') || 'mine' WHERE tenant_id = '{id}'",
    "DELETE FROM tenancy.tenants WHERE tenant_id = '{id}' AND {change} IS NOT NULL",
    "WITH gone AS (DELETE FROM tenancy.tenants WHERE tenant_id = '{id}' RETURNING {change}) SELECT FROM gone",
    """INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name) VALUES ('subsidiary', '{head}', 'mine')
    RETURNING {change}""",
)


async def events_of(as_admin: asyncpg.Connection, organization: Organization) -> list[asyncpg.Record]:
    """Return all events of an organisation, as the superuser sees them."""
    query = "SELECT * FROM tenancy.tenant_events WHERE organization_id = $1 ORDER BY event_id"
    rows: list[asyncpg.Record] = await as_admin.fetch(query, organization.parent.tenant_id)
    return rows


@refused(GROUP)
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO tenancy.tenant_events (event_type, database_role) VALUES ('deleted', 'tenancy_api')",
        "UPDATE tenancy.tenant_events SET actor_tenant_id = NULL",
        "DELETE FROM tenancy.tenant_events",
        "TRUNCATE tenancy.tenant_events",
        "MERGE INTO tenancy.tenant_events AS e USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE",
        "COPY tenancy.tenant_events FROM STDIN",
        "ALTER TABLE tenancy.tenants DISABLE TRIGGER tenants_record_event",
        "SELECT tenancy_private.record_row_event()",
        "CREATE TRIGGER mine BEFORE INSERT ON tenancy.tenant_events EXECUTE FUNCTION tenancy.stamp_update()",
        "SELECT FROM tenancy.tenant_events FOR UPDATE",
    ],
)
async def test_the_audit_trail(as_api: asyncpg.Connection, hsbc: Organization, statement: str) -> None:
    """To forge, change or remove an event, or to keep one from being written."""
    for as_platform in (False, True):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await attempt(as_api, hsbc.parent.token, statement, as_platform=as_platform)


@sees_nothing(GROUP)
async def test_reading_a_strangers_events(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """To read in the audit trail what is hidden in the table."""
    assert await events_of(as_admin, barclays)
    for attacker, visible in ((hsbc.parent, hsbc.parties), (hsbc.subsidiaries[0], [hsbc.subsidiaries[0]])):
        rows = await attempt(as_api, attacker.token, "SELECT * FROM tenancy.tenant_events")
        assert {row["tenant_id"] for row in rows} == {party.tenant_id for party in visible}


@refused(GROUP)
@pytest.mark.parametrize("statement", CHANGES, ids=lambda statement: statement.split()[0])
async def test_a_change_without_a_token(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization, barclays: Organization, statement: str
) -> None:
    """To change a tenant and take the token out of the context, or put a stranger's in, before the event is written."""
    family = "SELECT * FROM tenancy.tenants WHERE organization_id = $1 ORDER BY tenant_id"
    before = await events_of(as_admin, hsbc), await as_admin.fetch(family, hsbc.parent.tenant_id)
    for token in ("", barclays.parent.token):
        filled = statement.format(
            change=f"set_config('app.current_tenant', '{token}', true)",
            id=hsbc.subsidiaries[0].tenant_id,
            head=hsbc.parent.tenant_id,
        )
        with pytest.raises((asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError)):
            await attempt(as_api, hsbc.parent.token, filled)
    assert (await events_of(as_admin, hsbc), await as_admin.fetch(family, hsbc.parent.tenant_id)) == before


@residual(GROUP, "the request id of an event is what the service, or SQL injected into it, says: it proves nothing")
async def test_forging_the_request_id(
    as_api: asyncpg.Connection, as_admin: asyncpg.Connection, hsbc: Organization
) -> None:
    """To have a change recorded under another request."""
    await attempt(
        as_api,
        hsbc.parent.token,
        "SET LOCAL app.request_id = 'another-request'",
        f"UPDATE tenancy.tenants SET name = name || '!' WHERE tenant_id = '{hsbc.parent.tenant_id}'",
    )
    event = (await events_of(as_admin, hsbc))[-1]
    assert event["request_id"] == "another-request"
    assert event["actor_tenant_id"] == hsbc.parent.tenant_id
    assert event["database_role"] == "tenancy_api"
    assert event["token_id"] is not None


@sees_nothing(GROUP)
@pytest.mark.parametrize("body", ["the same", "another"])
async def test_a_strangers_idempotency_key(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization, body: str
) -> None:
    """To get a stranger's answer for the stranger's Idempotency-Key, or to learn that it was used."""
    await _remember(as_api, barclays.parent.token)
    for attacker in hsbc.parties:
        rows = await attempt_quietly(as_api, attacker.token, BEGIN_REQUEST.format(key="key", body=body))
        assert rows is None or [tuple(row) for row in rows] == [(True, True, None)]


@sees_nothing(GROUP)
@pytest.mark.parametrize("body", ["the same", "another"])
async def test_an_idempotency_key_of_the_own_parent(as_api: asyncpg.Connection, hsbc: Organization, body: str) -> None:
    """To read, as a subsidiary, the answers to its parent: they describe its siblings."""
    await _remember(as_api, hsbc.parent.token)
    for attacker in hsbc.subsidiaries:
        rows = await attempt_quietly(as_api, attacker.token, BEGIN_REQUEST.format(key="key", body=body))
        assert rows is None or [tuple(row) for row in rows] == [(True, True, None)]


@refused(GROUP)
async def test_rewriting_a_remembered_answer(
    as_api: asyncpg.Connection, hsbc: Organization, barclays: Organization
) -> None:
    """To have a repeated request answered with what the attacker wrote."""
    await _remember(as_api, barclays.parent.token)
    forged = FINISH_REQUEST.format(key="key", answer='{"name": "forged"}')
    for token in (hsbc.parent.token, barclays.subsidiaries[0].token, barclays.parent.token):
        await attempt_quietly(as_api, token, forged)
        await attempt(as_api, token, forged)
    rows = await attempt(as_api, barclays.parent.token, BEGIN_REQUEST.format(key="key", body="the same"))
    assert [row["answer"] for row in rows] == ['{"name": "original"}']


@residual(GROUP, "SQL as a tenant can have a later POST of that tenant answered with what it wrote; of no other tenant")
async def test_planting_an_answer(
    as_api: asyncpg.Connection, client: httpx.AsyncClient, hsbc: Organization, barclays: Organization
) -> None:
    """To have a future POST answered with a tenant that does not exist; one that is no tenant at all is refused."""
    body = {"name": "Planned branch", "tenant_type": "subsidiary", "parent_tenant_id": str(hsbc.parent.tenant_id)}
    planned = fingerprint(TenantCreate.model_validate(body)).hex()
    forged = TENANT | {"name": "Planned branch", "parent_tenant_id": str(hsbc.parent.tenant_id)}
    for key, answer in {"planted": json.dumps(forged, default=str), "nonsense": "{}", "null": "null"}.items():
        async with presenting(as_api, hsbc.parent.token):
            await as_api.execute(f"SELECT tenancy.begin_request('{key}', '\\x{planned}')")
            await as_api.execute(FINISH_REQUEST.format(key=key, answer=answer))

    statuses = {}
    for key in ("planted", "nonsense", "null"):
        posted = await client.post("/tenants", json=body, headers=hsbc.parent.headers | {"Idempotency-Key": key})
        statuses[key] = posted.status_code
        elsewhere = {
            "name": body["name"],
            "tenant_type": "subsidiary",
            "parent_tenant_id": str(barclays.parent.tenant_id),
        }
        own = await client.post("/tenants", json=elsewhere, headers=barclays.parent.headers | {"Idempotency-Key": key})
        assert own.status_code in {201, 409}  # the name is taken from the second on: it was created
        subsidiary = hsbc.subsidiaries[0].headers | {"Idempotency-Key": key}
        assert (await client.post("/tenants", json=body, headers=subsidiary)).status_code == 403

    assert statuses == {"planted": 201, "nonsense": 422, "null": 201}
    listed = (await client.get("/tenants", headers=hsbc.parent.headers)).json()["items"]
    assert forged["tenant_id"] not in {tenant["tenant_id"] for tenant in listed}


@refused(GROUP)
@pytest.mark.parametrize("token", [None, "", "garbage"])
async def test_remembering_without_a_token(as_api: asyncpg.Connection, token: str | None) -> None:
    """To write into, or read from, the memory that platform operators share, without any token."""
    for call in (BEGIN_REQUEST.format(key="key", body="x"), FINISH_REQUEST.format(key="key", answer="{}")):
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await attempt(as_api, token, call)


@refused(GROUP)
@pytest.mark.parametrize("verb", ["SELECT FROM", "DELETE FROM", "TRUNCATE"])
async def test_the_memory_itself(as_api: asyncpg.Connection, hsbc: Organization, verb: str) -> None:
    """To read or clear the remembered answers past the functions."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attempt(as_api, hsbc.parent.token, f"{verb} tenancy_private.idempotency_keys")


async def _remember(connection: asyncpg.Connection, token: str) -> None:
    async with presenting(connection, token):
        await connection.execute(BEGIN_REQUEST.format(key="key", body="the same"))
        await connection.execute(FINISH_REQUEST.format(key="key", answer='{"name": "original"}'))
