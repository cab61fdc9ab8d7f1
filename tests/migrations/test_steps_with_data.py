"""Each migration, undone and redone in a database in use, leaves the catalogue and the rows as they were."""

import json

import asyncpg
from sqlalchemy import URL

from tests.migrations.test_migrations import HISTORY, down, snapshot, up
from tests.support.accounts import create_accounts
from tests.support.context import presenting
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.stored_rows import Rows, rows_of_all_tables
from tests.support.test_database import TestDatabase

EVENTS, TOKENS = "tenancy.tenant_events", "tenancy_private.access_tokens"
LOST = {
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
    """Make two organisations with accounts, events, tokens and a remembered answer."""
    admin, api, operator = (
        await database.connect_as_admin(),
        await database.connect_as_api(),
        await database.connect_as_operator(),
    )
    await create_accounts(admin)
    for name in ("Mine", "Theirs"):
        await use(api, await Registry(operator).create_organization(name))
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
