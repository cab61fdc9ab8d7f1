"""An erased tenant leaves its trail without content, and a certificate that everything was read again."""

import asyncpg

from multi_tenant_db.identity.access_token import hash_access_token
from multi_tenant_db.records.certification import erase_and_certify
from multi_tenant_db.records.scopes import find_scopes
from tests.moving.traces import rows_of
from tests.records.documents import filled_organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

EVENTS = "SELECT * FROM tenancy.tenant_events WHERE organization_id = $1 ORDER BY tenant_id, event_id"


async def test_an_organisation_is_erased(
    here: TestDatabase, registry_here: Registry, admin: asyncpg.Connection
) -> None:
    """Nothing of it is left but the trail, which says who did what and when; others' rows are as before."""
    hsbc = await filled_organization(here, registry_here)
    await registry_here.set_quota(hsbc.parent.tenant_id, 5)
    barclays = await filled_organization(here, registry_here, "Barclays")
    head, theirs = hsbc.parent.tenant_id, await rows_of(admin, barclays.parent.tenant_id)
    before = {row["event_id"]: row for row in await admin.fetch(EVENTS, head)}

    done = await erase_and_certify(admin, (await find_scopes(admin, hsbc.parent.name))[0], "default")

    certificate = done.certificate
    assert certificate.complete
    assert certificate.verification
    assert (certificate.verification.remaining, certificate.verification.mentions) == ((), ())
    assert certificate.deleted_rows == {
        'tenancy."Odd documents"': 6,
        "tenancy.accounts": 3,
        "tenancy.settings_of_organizations": 1,
        "tenancy.tenants": 3,
        "tenancy_private.access_tokens": 3,
        "tenancy_private.idempotency_keys": 2,
        "tenancy_private.moved_tokens": 0,
        "tenancy_private.organizations_of_tenants": 0,
        "tenancy_private.quotas": 1,
    }
    after = {row["event_id"]: row for row in await admin.fetch(EVENTS, head)}
    assert certificate.events_replaced == len(before)
    for event_id, event in before.items():
        kept = after.pop(event_id)
        for column in ("event_type", "occurred_at", "table_name", "token_id", "actor_tenant_id", "database_role"):
            assert kept[column] == event[column]
        assert {kept["old_values"], kept["new_values"]} <= {None, '{"erased": true}'}
        assert kept["token_label"] == (None if event["actor_tenant_id"] else event["token_label"])
    assert [event["event_type"] for event in after.values()] == ["deleted"] * 3
    assert {event["old_values"] for event in after.values()} == {'{"erased": true}'}
    assert {*await rows_of(admin, head)} == {"events"}
    assert await rows_of(admin, barclays.parent.tenant_id) == theirs
    assert not await admin.fetchval(
        "SELECT EXISTS (SELECT FROM tenancy_private.access_tokens WHERE token_hash = $1)",
        hash_access_token(hsbc.parent.token),
    )
