"""Attacks on what administrators do to records: erasing, purging, exporting, importing."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from multi_tenant_db.moving.administration import connect
from multi_tenant_db.records import outlasting
from multi_tenant_db.records.certification import erase_and_certify
from multi_tenant_db.records.purge import purge
from multi_tenant_db.records.scopes import find_scopes
from tests.support.attack import refused, sees_nothing
from tests.support.attempt import attempt, attempt_quietly, error_of
from tests.support.context import presenting
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.test_database import TestDatabase

GROUP = "tampering with records"


@pytest.fixture
async def administrator(database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the administrator's commands do."""
    connection = await connect(database.admin_url, "default")
    yield connection
    await connection.close()


@sees_nothing(GROUP)
async def test_what_an_erasure_leaves(
    as_api: asyncpg.Connection,
    administrator: asyncpg.Connection,
    hsbc: Organization,
    barclays: Organization,
    platform_operator: Party,
) -> None:
    """To read an erased tenant's name with its own token, its sibling's, its parent's, a stranger's, an operator's."""
    child, sibling = hsbc.subsidiaries
    [scope] = await find_scopes(administrator, str(child.tenant_id))
    assert (await erase_and_certify(administrator, scope, "default")).certificate.complete
    for statement in ("TABLE tenancy.tenants", "TABLE tenancy.tenant_events"):
        error = await error_of(attempt(as_api, child.token, statement))
        assert error.sqlstate == "28000"
        for party in (sibling, hsbc.parent, barclays.parent):
            assert child.name not in str(await attempt(as_api, party.token, statement))
        assert child.name not in str(await attempt(as_api, platform_operator.token, statement, as_platform=True))
        for party in (sibling, barclays.parent):
            assert str(child.tenant_id) not in str(await attempt(as_api, party.token, statement))


KEEP = (
    "SELECT tenancy.begin_request('kept', sha256('body'))",
    "SELECT tenancy.finish_request('kept', '{}')",
)


@refused(GROUP)
async def test_a_transaction_that_outlasts_the_erasure(
    as_api: asyncpg.Connection, administrator: asyncpg.Connection, hsbc: Organization
) -> None:
    """To have a certificate issued while a transaction holds back an answer that it then stores for the erased."""
    [scope] = await find_scopes(administrator, str(hsbc.subsidiaries[0].tenant_id))
    async with presenting(as_api, hsbc.subsidiaries[0].token):
        for statement in KEEP:
            await as_api.execute(statement)
        erasing = asyncio.create_task(erase_and_certify(administrator, scope, "default"))
        await asyncio.sleep(0.5)
        assert not erasing.done()
    done = (await erasing).certificate
    assert done.verification is not None
    assert not done.complete
    assert [(one.table, one.column) for one in done.verification.remaining] == [
        ("tenancy_private.idempotency_keys", "tenant_id")
    ]
    assert (await erase_and_certify(administrator, scope, "default")).certificate.complete


@refused(GROUP)
async def test_a_transaction_that_does_not_end(
    monkeypatch: pytest.MonkeyPatch,
    as_api: asyncpg.Connection,
    administrator: asyncpg.Connection,
    hsbc: Organization,
) -> None:
    """To hold a transaction open, which has done nothing yet, until the certificate is issued all the same."""
    monkeypatch.setattr(outlasting, "LONGEST_WAIT_SECONDS", 0.2)
    [scope] = await find_scopes(administrator, str(hsbc.subsidiaries[0].tenant_id))
    async with presenting(as_api, hsbc.subsidiaries[0].token):
        done = await erase_and_certify(administrator, scope, "default")
    assert not done.certificate.complete
    assert done.failure == "transactions that began before the erasure are still open"


@refused(GROUP)
async def test_erasing_and_purging_as_the_service(
    as_api: asyncpg.Connection, hsbc: Organization, platform_operator: Party
) -> None:
    """To erase or purge the trail, to copy it out or in, or to make its triggers silent, as the administrator does."""
    events = "tenancy.tenant_events"
    for party, as_platform in ((hsbc.parent, False), (platform_operator, True)):
        for statement in (
            f"DELETE FROM {events}",
            f"UPDATE {events} SET old_values = NULL",
            f"UPDATE {events} SET token_label = 'x'",
            f"COPY {events} TO PROGRAM 'cat'",
            f"COPY {events} FROM STDIN",
            f"LOCK TABLE {events} IN SHARE ROW EXCLUSIVE MODE",
            "SET LOCAL session_replication_role = replica",
            "CREATE TEMPORARY TABLE mtdb_imported_lines (line text)",
            f"INSERT INTO tenancy.tenants (tenant_id, tenant_type, name) VALUES ('{uuid4()}', 'parent', 'Back')",
        ):
            assert await attempt_quietly(as_api, party.token, statement, as_platform=as_platform) is None, statement


@sees_nothing(GROUP)
async def test_the_record_of_a_purge(
    as_api: asyncpg.Connection,
    administrator: asyncpg.Connection,
    hsbc: Organization,
    barclays: Organization,
    platform_operator: Party,
) -> None:
    """To learn from the record of a purge how many events another organisation had."""
    now = await administrator.fetchval("SELECT clock_timestamp()")
    assert await purge(administrator, now, barclays.parent.tenant_id) == 3
    mine = "SELECT count(*) FROM tenancy.tenant_events WHERE table_name = 'tenant_events'"
    for party, seen in ((hsbc.parent, 0), (barclays.parent, 1), (barclays.subsidiaries[0], 0)):
        assert (await attempt(as_api, party.token, mine))[0][0] == seen
    everywhere = f"{mine} AND organization_id = '00000000-0000-0000-0000-000000000000'"
    nil = "SELECT set_config('app.current_tenant', '00000000-0000-0000-0000-000000000000', true)"
    assert await attempt_quietly(as_api, None, nil, everywhere) is None
    assert (await attempt(as_api, platform_operator.token, mine, as_platform=True))[0][0] >= 1
