"""A database of 1.0.0 upgrades with everything in it, an adopter's table too, and no request waits long."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import product
from time import monotonic

import asyncpg
import pytest
from sqlalchemy import URL

from multi_tenant_db.schema.schema_revision import REQUIRED_SCHEMA_REVISION
from tests.migrations.test_migrations import up
from tests.support.accounts import CREATE_ACCOUNTS, execute_as_owner
from tests.support.context import presenting, visible_ids
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import mtdb, settings_for
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.stored_rows import Rows, rows_of_all_tables
from tests.support.test_database import TestDatabase

pytestmark = pytest.mark.exhaustive

REVISIONS_OF_1_0_0 = ("record_row_events", "keep_plans")
"""Of the commit that named the version, and of the last one before work on the next."""

REACH = """
    organization_id = ANY (ARRAY[(SELECT tenancy.current_organization_id())])
    AND tenant_id >= ANY (ARRAY[(SELECT tenancy.first_tenant_id_in_reach())])
    AND tenant_id <= ANY (ARRAY[(SELECT tenancy.last_tenant_id_in_reach())])
    AND (SELECT tenancy.current_tenant_id()) = ANY (ARRAY[organization_id, tenant_id])
"""
OPERATORS_REACH = "organization_id >= ANY (ARRAY[(SELECT tenancy.first_organization_id_in_reach())])"
CALLERS = (("tenancy_api", REACH), ("tenancy_platform", OPERATORS_REACH))
PROTECT_AS_1_0_0_DID = (
    "ALTER TABLE tenancy.accounts ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE tenancy.accounts FORCE ROW LEVEL SECURITY",
    "REVOKE USAGE ON TYPE tenancy.accounts FROM PUBLIC",
    *(
        f"CREATE POLICY {role}_selects ON tenancy.accounts FOR SELECT TO {role} USING ({reach})"
        for role, reach in CALLERS
    ),
    *(
        f"CREATE POLICY {role}_inserts ON tenancy.accounts FOR INSERT TO {role} WITH CHECK ({reach})"
        for role, reach in CALLERS
    ),
    "GRANT SELECT, INSERT (organization_id, tenant_id, name) ON tenancy.accounts TO tenancy_api, tenancy_platform",
    """
    CREATE TRIGGER accounts_record_event AFTER INSERT OR UPDATE OR DELETE ON tenancy.accounts
    FOR EACH ROW EXECUTE FUNCTION tenancy_private.record_row_event()
    """,
    """
    CREATE TRIGGER accounts_refuse_truncation BEFORE TRUNCATE ON tenancy.accounts
    FOR EACH STATEMENT EXECUTE FUNCTION tenancy_private.refuse_truncation()
    """,
)
"""What `protect_tenant_table` of 1.0.0 executed, with shorter names of policies."""

ADD = "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name) VALUES ('subsidiary', $1, $2)"
ADD_ACCOUNT = "INSERT INTO tenancy.accounts (organization_id, tenant_id, name) VALUES ($1, $1, $2)"
BEGIN_REQUEST = "SELECT is_new, is_same, answer FROM tenancy.begin_request('a key', sha256('a request'))"
ANSWER = {"name": "An answer of 1.0.0"}
FILES = """
    SELECT oid::regclass::text, pg_relation_filenode(oid)
    FROM pg_class
    WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('tenancy', 'tenancy_private')
"""
ADDED_COLUMNS = ("may_write", "operator_token_id", "operator_label")
LONGEST_WAIT = 3.0
"""In seconds. A migration that rewrote or read a large table under its lock would exceed it, and lock_timeout."""


@dataclass(frozen=True)
class Filled:
    """A database of 1.0.0 in use: two organisations, and what of theirs has ended."""

    database: TestDatabase
    banks: tuple[Organization, Organization]
    revoked: str
    rows: Rows


@pytest.fixture(params=REVISIONS_OF_1_0_0)
async def filled(server_url: URL, request: pytest.FixtureRequest) -> AsyncIterator[Filled]:
    """Give such a database, with tenants, tokens, events, a remembered answer and an adopter's table."""
    async with fresh_database(server_url, request.param) as database:
        admin, api, operator = (
            await database.connect_as_admin(),
            await database.connect_as_api(),
            await database.connect_as_operator(),
        )
        registry = Registry(operator)
        banks = await registry.create_organization("Mine"), await registry.create_organization("Theirs")
        revoked = await registry.issue_token(banks[0].parent.tenant_id, banks[0].parent.tenant_id)
        await registry.revoke(revoked)
        await execute_as_owner(admin, CREATE_ACCOUNTS, *PROTECT_AS_1_0_0_DID)
        for bank in banks:
            async with presenting(api, bank.parent.token):
                await api.execute(ADD, bank.parent.tenant_id, "Short-lived")
                await api.execute("UPDATE tenancy.tenants SET metadata = '{\"a\": 1}' WHERE name = 'Short-lived'")
                await api.execute("DELETE FROM tenancy.tenants WHERE name = 'Short-lived'")
                await api.execute(ADD_ACCOUNT, bank.parent.tenant_id, "An account")
                await api.execute(BEGIN_REQUEST)
                await api.execute("SELECT tenancy.finish_request('a key', $1)", json.dumps(ANSWER))
        yield Filled(database, banks, revoked, await rows_of_all_tables(admin))
        for connection in (admin, api, operator):
            await connection.close()


async def test_every_row_is_there_afterwards(filled: Filled) -> None:
    """Tenants, tokens, events, answers and accounts are as before, no table is rewritten, `mtdb check` is content."""
    admin = await filled.database.connect_as_admin()
    files = dict(await admin.fetch(FILES))
    await up(filled.database)
    after = await rows_of_all_tables(admin, ADDED_COLUMNS)
    assert after["tenancy_private.idempotency_keys"] == filled.rows["tenancy_private.remembered_requests"]
    for table in ("tenancy.tenants", "tenancy.tenant_events", "tenancy.accounts", "tenancy_private.access_tokens"):
        assert after[table] == filled.rows[table]
        assert after[table]
    now = {name.replace("idempotency_keys", "remembered_requests"): file for name, file in await admin.fetch(FILES)}
    assert now.items() >= files.items()
    await admin.close()

    checked = await mtdb("check", env=settings_for(filled.database))
    assert (checked.exit_code, checked.stderr) == (0, "")
    assert "schema current" in checked.stdout


async def test_callers_go_on_with_their_tokens(filled: Filled) -> None:
    """Live tokens keep their reach, their keys and their audit trail; revoked ones stay invalid."""
    await up(filled.database)
    api = await filled.database.connect_as_api()
    for bank in filled.banks:
        parent = bank.parent.tenant_id
        for party, reach in ((bank.parent, bank.parties), (bank.subsidiaries[0], bank.subsidiaries[:1])):
            async with presenting(api, party.token):
                assert {*await visible_ids(api)} == {each.tenant_id for each in reach}
        async with presenting(api, bank.parent.token):
            is_new, is_same, answer = await api.fetchrow(BEGIN_REQUEST)
            assert (is_new, is_same, json.loads(answer)) == (False, True, ANSWER)
            assert await api.fetchval("SELECT count(*) FROM tenancy.accounts") == 1
            before = await api.fetchval("SELECT count(*) FROM tenancy.tenant_events")
            await api.execute(ADD, parent, "Added afterwards")
            await api.execute("UPDATE tenancy.tenants SET metadata = '{\"a\": 1}' WHERE name = 'Added afterwards'")
            await api.execute(ADD_ACCOUNT, parent, "Another account")
            events = await api.fetch("SELECT * FROM tenancy.tenant_events ORDER BY event_id DESC")
            assert len(events) == before + 3
            family = "SELECT count(*) FROM tenancy.tenants WHERE organization_id = $1"
            assert await api.fetchval(family, parent) == len(bank.parties) + 1
            # An event written by 1.0.0 and one of today hold the same.
            updates = [e for e in events if (e["table_name"], e["event_type"]) == ("tenants", "updated")]
            new, old = (json.loads(event["new_values"]) for event in updates)
            assert new == old | {"name": "Added afterwards"}
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await api.fetchrow("SELECT * FROM tenancy.sign_in($1)", filled.revoked)
    await api.close()


async def test_requests_go_on_during_the_upgrade(filled: Filled) -> None:
    """Readers and writers meet no error and wait no longer than a short lock lasts, whichever migration runs."""
    stop = asyncio.Event()
    waits: list[float] = []

    async def use(bank: Organization, number: int) -> None:
        api = await filled.database.connect_as_api()
        while not stop.is_set():
            begin = monotonic()
            async with presenting(api, bank.parent.token):
                assert {*await visible_ids(api)} >= {party.tenant_id for party in bank.parties}
                if number == 0:
                    await api.execute(ADD, bank.parent.tenant_id, f"Meanwhile {len(waits)}")
            waits.append(monotonic() - begin)
        await api.close()

    users = [asyncio.create_task(use(bank, number)) for bank, number in product(filled.banks, range(2))]
    await up(filled.database)
    stop.set()
    await asyncio.gather(*users)
    assert len(waits) > 20
    assert max(waits) < LONGEST_WAIT


async def test_the_validation_waits_for_no_writer(server_url: URL) -> None:
    """The CHECK is validated while another transaction that has written tenants is open."""
    async with fresh_database(server_url, "plain_organization") as own:
        operator, writer = await own.connect_as_operator(), await own.connect_as_api()
        admin = await own.connect_as_admin()
        validated = "SELECT convalidated FROM pg_constraint WHERE conname ~ '^tenants_organization_follows'"
        bank = await Registry(operator).create_organization()
        async with presenting(writer, bank.parent.token):
            await writer.execute(ADD, bank.parent.tenant_id, "Open")
            assert not await admin.fetchval(validated)
            await up(own, "validate_organization")
            assert await admin.fetchval(validated)
        for connection in (admin, operator, writer):
            await connection.close()


def test_the_newest_revision_is_another() -> None:
    """The newest revision differs from that of 1.0.0."""
    assert REQUIRED_SCHEMA_REVISION not in REVISIONS_OF_1_0_0
