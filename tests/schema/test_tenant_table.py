"""`protect_tenant_table()`: a table gets the reach of `tenancy.tenants` and the requested privileges, and no others."""

import json
import re
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import URL

from tests.support.accounts import CREATE_ACCOUNTS, create_accounts, execute_as_owner
from tests.support.attempt import attempt
from tests.support.audit import events_seen_by
from tests.support.catalogue import describe
from tests.support.context import presenting
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import mtdb, settings_for
from tests.support.organization import Organization
from tests.support.party import Party
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

SEE = "SELECT tenant_id FROM tenancy.accounts ORDER BY account_id"
RENAME = "UPDATE tenancy.accounts SET name = name || '!' RETURNING tenant_id"
DELETE = "DELETE FROM tenancy.accounts RETURNING tenant_id"


@pytest.fixture(scope="module")
async def accounts(server_url: URL) -> AsyncIterator[TestDatabase]:
    """Give a database with the table."""
    async with fresh_database(server_url) as database:
        admin = await database.connect_as_admin()
        await create_accounts(admin)
        await admin.close()
        yield database


@pytest.fixture
async def as_service(accounts: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Connect to it as the service."""
    connection = await accounts.connect_as_api()
    yield connection
    await connection.close()


@pytest.fixture
async def banks(accounts: TestDatabase, as_service: asyncpg.Connection) -> tuple[Organization, Organization, Party]:
    """Make two organisations in which every tenant has an account, and a platform operator."""
    operator = await accounts.connect_as_operator()
    registry = Registry(operator)
    banks = [await registry.create_organization(name) for name in ("Mine", "Theirs")]
    platform = Party(banks[0].parent.tenant_id, "platform operator", await registry.issue_operator_token())
    await operator.close()
    for bank in banks:
        for party in bank.parties:
            await attempt(as_service, party.token, add(bank.parent.tenant_id, party.tenant_id))
    return banks[0], banks[1], platform


def add(organization_id: UUID, tenant_id: UUID) -> str:
    """Return the statement that adds an account for a tenant."""
    return (
        "INSERT INTO tenancy.accounts (organization_id, tenant_id, name)"
        f" VALUES ('{organization_id}', '{tenant_id}', 'An account') RETURNING tenant_id"
    )


def ids(rows: list[asyncpg.Record]) -> set[UUID]:
    """Return whose rows these are."""
    return {row["tenant_id"] for row in rows}


@pytest.mark.parametrize("statement", [SEE, RENAME, DELETE])
async def test_a_tenant_reaches_rows_of_itself_and_its_subsidiaries(
    as_service: asyncpg.Connection, banks: tuple[Organization, Organization, Party], statement: str
) -> None:
    """A subsidiary reads and writes its own rows, a parent those of its organisation, and no token gives no row."""
    mine, theirs, _ = banks
    subsidiary = mine.subsidiaries[0]

    assert ids(await attempt(as_service, None, statement)) == set()
    assert ids(await attempt(as_service, subsidiary.token, statement)) == {subsidiary.tenant_id}
    left = {party.tenant_id for party in mine.parties} - ({subsidiary.tenant_id} if statement == DELETE else set())
    assert ids(await attempt(as_service, mine.parent.token, statement)) == left
    assert ids(await attempt(as_service, theirs.parent.token, SEE)) == {party.tenant_id for party in theirs.parties}


async def test_a_tenant_adds_rows_within_its_reach_only(
    as_service: asyncpg.Connection, banks: tuple[Organization, Organization, Party]
) -> None:
    """A parent adds rows for a subsidiary; a subsidiary adds none for others, and no tenant for a stranger."""
    mine, theirs, _ = banks
    organization, (subsidiary, sister) = mine.parent.tenant_id, mine.subsidiaries
    await attempt(as_service, mine.parent.token, add(organization, subsidiary.tenant_id))

    for token, owner in [
        (subsidiary.token, (organization, organization)),
        (subsidiary.token, (organization, sister.tenant_id)),
        (theirs.parent.token, (organization, subsidiary.tenant_id)),
        (mine.parent.token, (theirs.parent.tenant_id, theirs.parent.tenant_id)),
        (None, (organization, organization)),
    ]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await attempt(as_service, token, add(*owner))


async def test_a_row_names_a_tenant_that_exists_and_never_moves(
    as_service: asyncpg.Connection, banks: tuple[Organization, Organization, Party]
) -> None:
    """The foreign key verifies a row's tenant, and no role of the service may change it."""
    mine, theirs, _ = banks
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await attempt(as_service, mine.parent.token, add(mine.parent.tenant_id, theirs.parent.tenant_id))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await attempt(as_service, mine.parent.token, f"UPDATE tenancy.accounts SET tenant_id = '{UUID(int=0)}'")


async def test_a_platform_operator_needs_its_token(
    as_service: asyncpg.Connection, banks: tuple[Organization, Organization, Party]
) -> None:
    """The role of platform operators reaches every row with an operator's token, and none with a tenant's."""
    mine, theirs, platform = banks
    all_tenants = {party.tenant_id for party in (*mine.parties, *theirs.parties)}

    assert all_tenants <= ids(await attempt(as_service, platform.token, SEE, as_platform=True))
    added = await attempt(as_service, platform.token, add(*[mine.parent.tenant_id] * 2), as_platform=True)
    assert ids(added) == {mine.parent.tenant_id}
    for statement in (SEE, RENAME, DELETE):
        assert await attempt(as_service, mine.parent.token, statement, as_platform=True) == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await attempt(as_service, mine.parent.token, add(*[mine.parent.tenant_id] * 2), as_platform=True)


async def test_what_tenants_wrote_is_not_sampled(accounts: TestDatabase) -> None:
    """The planner takes no sample of any column, key and defaults included."""
    admin = await accounts.connect_as_admin()
    rows = await admin.fetch(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = 'tenancy.accounts'::regclass AND attnum > 0 AND attstattarget IS DISTINCT FROM 0"
    )
    await admin.close()

    assert rows == []


async def test_every_change_of_a_row_is_recorded(
    accounts: TestDatabase, as_service: asyncpg.Connection, banks: tuple[Organization, Organization, Party]
) -> None:
    """An event has actor, table, old and new row; it is visible in the caller's reach only, and is not truncated."""
    mine, theirs, _ = banks
    holder = mine.subsidiaries[0]
    await attempt(as_service, holder.token, RENAME)
    await attempt(as_service, mine.parent.token, DELETE)
    events = [event for event in await events_seen_by(as_service, holder) if event["table_name"] == "accounts"]

    assert [event["event_type"] for event in events] == ["created", "updated", "deleted"]
    assert [event["actor_tenant_id"] for event in events] == [holder.tenant_id, holder.tenant_id, mine.parent.tenant_id]
    created, updated, deleted = ((event["old_values"], event["new_values"]) for event in events)
    assert json.loads(created[1]).keys() == {"account_id", "name"}
    assert json.loads(updated[1])["name"] == json.loads(updated[0])["name"] + "!"
    assert (created[0], updated[0], deleted) == (None, created[1], (updated[1], None))
    seen = await events_seen_by(as_service, theirs.parent)
    assert seen
    assert not {event["event_id"] for event in seen} & {event["event_id"] for event in events}

    admin = await accounts.connect_as_admin()
    with pytest.raises(asyncpg.FeatureNotSupportedError, match="accounts are deleted, not truncated"):
        await admin.execute("TRUNCATE tenancy.accounts")
    await admin.close()


async def test_a_change_on_a_strangers_token_is_refused(
    as_service: asyncpg.Connection, banks: tuple[Organization, Organization, Party]
) -> None:
    """A statement that sets another organisation's token while it runs changes nothing."""
    mine, theirs, _ = banks
    async with presenting(as_service, mine.parent.token):
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="context has changed"):
            await as_service.execute(
                "UPDATE tenancy.accounts SET name = 'X' RETURNING set_config('app.current_tenant', $1, true)",
                theirs.parent.token,
            )


async def test_a_verb_that_is_not_asked_for_is_not_granted(server_url: URL) -> None:
    """Without columns to insert or update and without `may_delete`, a table is read-only."""
    async with fresh_database(server_url) as database:
        admin = await database.connect_as_admin()
        await execute_as_owner(admin, CREATE_ACCOUNTS, "CALL tenancy.protect_tenant_table('tenancy.accounts')")
        policies = await admin.fetchval("SELECT count(*) FROM pg_policies WHERE tablename = 'accounts'")
        rows = await admin.fetch(
            "SELECT privilege_type FROM information_schema.column_privileges"
            " WHERE table_name = 'accounts' AND grantee IN ('tenancy_api', 'tenancy_platform')"
        )
        await admin.close()

    assert {row["privilege_type"] for row in rows} == {"SELECT"}
    assert policies == 2


async def test_it_can_be_undone(server_url: URL) -> None:
    """Protected and unprotected again, a table has its owner's rights, no policy and no trigger."""
    async with fresh_database(server_url) as database:
        admin = await database.connect_as_admin()
        await create_accounts(admin)
        await execute_as_owner(admin, "CALL tenancy.unprotect_tenant_table('tenancy.accounts')")
        lines = [line for line in await describe(admin) if "accounts" in line]
        await admin.close()

    assert not [line for line in lines if line.startswith(("policy", "trigger: (accounts_re"))]
    assert not [line for line in lines if "tenancy_api=" in line or "tenancy_platform=" in line]
    assert [line for line in lines if line.startswith("relation: (tenancy.accounts,r,") and ",f,f," in line]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("'tenancy.accounts; DROP TABLE tenancy.tenants'", "invalid name syntax"),
        ("'tenancy.acounts'", "does not exist"),
        ("'tenancy.accounts', '{nmae}'", 'column "nmae" of relation "accounts" does not exist'),
        ("'tenancy.accounts', '{\"name) ON tenancy.accounts TO PUBLIC; --\"}'", "does not exist"),
        ("'tenancy.accounts', '{name}', '{name, tenant_id}'", "the key of tenancy.accounts may not be updated"),
    ],
)
async def test_a_mistake_is_refused(accounts: TestDatabase, arguments: str, message: str) -> None:
    """An unknown table or column, or an update of the tenant's id, is an error."""
    admin = await accounts.connect_as_admin()
    await execute_as_owner(admin, "CALL tenancy.unprotect_tenant_table('tenancy.accounts')")
    try:
        with pytest.raises(asyncpg.PostgresError, match=re.escape(message)):
            await execute_as_owner(admin, f"CALL tenancy.protect_tenant_table({arguments})")
    finally:
        await execute_as_owner(admin, "CALL tenancy.protect_tenant_table('tenancy.accounts', '{name}', '{name}', true)")
        await admin.close()


async def test_names_may_need_quotes(server_url: URL) -> None:
    """A table and a column whose names need quotes are protected like others."""
    create = CREATE_ACCOUNTS.replace("tenancy.accounts (", 'tenancy."My accounts" (').replace(" name ", ' "Name" ')
    async with fresh_database(server_url) as database:
        admin = await database.connect_as_admin()
        protect = """CALL tenancy.protect_tenant_table('tenancy."My accounts"', '{Name}', '{Name}')"""
        await execute_as_owner(admin, create, protect)
        triggers = await admin.fetch(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = 'tenancy.\"My accounts\"'::regclass"
        )
        await admin.close()
        outcome = await mtdb("check", env=settings_for(database))

    assert {row["tgname"] for row in triggers} == {"My accounts_record_event", "My accounts_refuse_truncation"}
    assert (outcome.exit_code, outcome.stderr) == (0, "")


async def test_only_the_owner_protects(accounts: TestDatabase, as_service: asyncpg.Connection) -> None:
    """No role that logs in may call the procedures."""
    operator = await accounts.connect_as_operator()
    for connection in (as_service, operator):
        for procedure in ("protect_tenant_table", "unprotect_tenant_table"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for procedure"):
                await connection.execute(f"CALL tenancy.{procedure}('tenancy.accounts')")
    await operator.close()
