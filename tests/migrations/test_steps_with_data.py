"""Each migration, undone and redone in a database in use, leaves the catalogue and the rows as they were."""

import json
import re

import asyncpg
import pytest
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from tests.migrations.test_migrations import HISTORY, down, snapshot, up
from tests.support.accounts import create_accounts, execute_as_owner
from tests.support.context import presenting
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.stored_rows import Rows, rows_of_all_tables
from tests.support.test_database import TestDatabase

pytestmark = pytest.mark.exhaustive

EVENTS, TOKENS = "tenancy.tenant_events", "tenancy_private.access_tokens"
LOST = {
    "limit_subsidiaries": {"tenancy_private.quotas"},
    "record_row_events": {EVENTS},
    "remember_answers": {"tenancy_private.remembered_requests"},
    "record_tenant_events": {EVENTS},
    "create_access_tokens": {TOKENS},
    "create_tenants": {"tenancy.tenants"},
}
"""What a downgrade deletes, as its docstring says."""

ACCOUNTS_NEED = "record_events_alike"
"""Down to it the database also has an adopter's table, which the procedure of `protect_by_procedure` protected."""


async def fill(database: TestDatabase) -> None:
    """Make two organisations with accounts, events, tokens, a quota and a remembered answer."""
    admin, api, operator = (
        await database.connect_as_admin(),
        await database.connect_as_api(),
        await database.connect_as_operator(),
    )
    await create_accounts(admin)
    for name in ("Mine", "Theirs"):
        bank = await Registry(operator).create_organization(name)
        await Registry(operator).set_quota(bank.parent.tenant_id, 5)
        await use(api, bank)
    for connection in (admin, api, operator):
        await connection.close()


async def use(api: asyncpg.Connection, bank: Organization) -> None:
    """Change something in each table that a tenant can change."""
    async with presenting(api, bank.parent.token):
        await api.execute(
            "INSERT INTO tenancy.accounts (organization_id, tenant_id, name) VALUES ($1, $1, 'An account')",
            bank.parent.tenant_id,
        )
        await api.execute("UPDATE tenancy.tenants SET metadata = '{\"a\": 1}'")
        await api.execute("SELECT tenancy.begin_request('a key', sha256('a request'))")
        await api.execute("SELECT tenancy.finish_request('a key', $1)", json.dumps({"an": "answer"}))


async def rows(database: TestDatabase) -> Rows:
    """Return all rows of the moment."""
    admin = await database.connect_as_admin()
    try:
        return await rows_of_all_tables(admin)
    finally:
        await admin.close()


async def test_each_step_keeps_catalogue_and_rows(server_url: URL) -> None:
    """From the newest to the first: down and up again nothing has changed, but for what a downgrade says it deletes."""
    async with fresh_database(server_url) as own:
        await fill(own)
        for revision, previous in zip(reversed(HISTORY), [*reversed(HISTORY[:-1]), "base"], strict=True):
            if revision == ACCOUNTS_NEED:
                admin = await own.connect_as_admin()
                await admin.execute("DROP TABLE tenancy.accounts")
                await admin.close()
            catalogue, before = await snapshot(own), await rows(own)
            await down(own, previous)
            await up(own, revision)
            assert await snapshot(own) == catalogue, f"{revision} does not redo itself"
            lost = LOST.get(revision, set())
            after = await rows(own)
            assert {name: kept for name, kept in after.items() if name not in lost} == {
                name: kept for name, kept in before.items() if name not in lost
            }, f"{revision} changes rows"
            assert all(before[table] for table in lost), f"{revision} had nothing to lose"
            await down(own, previous)


ADDED = (
    "ALTER TABLE tenancy.tenants ADD COLUMN note text DEFAULT 'none', ALTER COLUMN note SET STATISTICS 0",
    "GRANT INSERT (note), UPDATE (note) ON tenancy.tenants TO tenancy_api",
    "ALTER TABLE tenancy.tenants ADD CONSTRAINT note_length CHECK (char_length(note) < 99) NOT VALID",
    "CREATE INDEX noted ON tenancy.tenants (organization_id, (note || '')) WHERE note IS NOT NULL",
    "ALTER INDEX tenancy.noted ALTER COLUMN 2 SET STATISTICS 0",
    """
    CREATE POLICY only_noted ON tenancy.tenants AS RESTRICTIVE FOR UPDATE TO tenancy_api, tenancy_platform
    USING (note IS NOT NULL) WITH CHECK (note <> '')
    """,
    "CREATE TRIGGER note_stamp BEFORE UPDATE ON tenancy.tenants FOR EACH ROW EXECUTE FUNCTION tenancy.stamp_update()",
    "ALTER TABLE tenancy.tenants DISABLE TRIGGER note_stamp",
)
"""What a migration of a fork may add to the tenants."""


async def test_the_table_written_anew_has_what_others_added(server_url: URL) -> None:
    """The downgrade to a generated column keeps a fork's column, grants, index, policy, trigger and reference."""
    async with fresh_database(server_url) as own:
        await fill(own)
        await down(own, "plain_organization")
        admin = await own.connect_as_admin()
        await execute_as_owner(admin, *ADDED)
        catalogue, before = await snapshot(own), await rows(own)
        await down(own, "name_idempotency_keys")
        in_between = await snapshot(own)
        changed = [line for line in {*catalogue} ^ {*in_between} if "plain_organization" not in line]
        assert changed
        assert all(re.search(r"fill_in_organization|organization_id|follows_from_the_parent", line) for line in changed)
        assert not [line for line in changed if re.search(r"not(e|ed)\b|accounts", line)]
        await up(own, "plain_organization")
        assert await snapshot(own) == catalogue
        assert await rows(own) == before
        await admin.close()


async def test_a_view_keeps_the_table_from_being_written_anew(server_url: URL) -> None:
    """A downgrade that would have to drop a view fails, and leaves everything as it was."""
    async with fresh_database(server_url, "plain_organization") as own:
        admin = await own.connect_as_admin()
        await execute_as_owner(
            admin, "CREATE VIEW tenancy.heads WITH (security_invoker) AS SELECT organization_id FROM tenancy.tenants"
        )
        catalogue = await snapshot(own)
        with pytest.raises(DBAPIError, match="other objects depend on it"):
            await down(own, "name_idempotency_keys")
        assert await snapshot(own) == catalogue
        await admin.close()
