"""Every text that the service's role can have stored has a bound, in the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import URL

from tests.migrations.test_migrations import down, up
from tests.reliability.support.until import until
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

UNBOUNDED = """
    SELECT format('%s.%s', attrelid::regclass, attname)
    FROM pg_attribute
    JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace IN ('tenancy'::regnamespace, 'tenancy_private'::regnamespace)
      AND relkind = 'r'
      AND attnum > 0
      AND NOT attisdropped
      AND atttypid IN ('text'::regtype, 'bytea'::regtype, 'jsonb'::regtype)
      AND NOT EXISTS (
          SELECT
          FROM pg_constraint
          WHERE conrelid = attrelid
            AND attnum = ANY (conkey)
            AND pg_get_constraintdef(pg_constraint.oid) ~ '_length'
      )
"""

CREATE = "INSERT INTO tenancy.tenants (tenant_type, parent_tenant_id, name) VALUES ('subsidiary', $1, 'Under way')"

WAITS = """
    SELECT EXISTS (
        SELECT
        FROM pg_stat_activity
        WHERE datname = current_database()
          AND usename = current_user
          AND wait_event_type = 'Lock'
    )
"""
"""Whether the administrator's migration waits for a lock."""

EVENTS_COPIES = ("old_values", "new_values", "token_label", "operator_label", "database_role", "table_name")
COPIES = {
    *(f"tenancy.tenant_events.{column}" for column in EVENTS_COPIES),
    "tenancy_private.access_tokens.operator_label",
}
"""Columns that triggers and functions copy from bounded columns, and names of the catalogue."""


async def test_every_text_is_bounded(as_admin: asyncpg.Connection) -> None:
    """Every text column of the catalogue has a bound on its length, or copies a column that has one."""
    found = {row[0] for row in await as_admin.fetch(UNBOUNDED)}
    assert found == COPIES


async def test_a_request_id_of_a_megabyte_is_refused(as_api: asyncpg.Connection, hsbc: Organization) -> None:
    """SQL injected into the service cannot fill the audit trail by its request id."""
    for length, outcome in (
        (200, None),
        (201, "tenant_events_request_id_length"),
        (1_000_000, "tenant_events_request_"),
    ):
        async with as_api.transaction():
            await as_api.execute("SELECT tenancy.sign_in($1, $2)", hsbc.parent.token, "x" * length)
            rename = as_api.execute(
                "UPDATE tenancy.tenants SET name = name WHERE tenant_id = $1", hsbc.parent.tenant_id
            )
            if outcome is None:
                await rename
                continue
            with pytest.raises(asyncpg.CheckViolationError, match=outcome):
                async with as_api.transaction():
                    await rename


async def test_an_answer_of_a_megabyte_is_refused(as_api: asyncpg.Connection, hsbc: Organization) -> None:
    """SQL injected into the service cannot store a large answer under an idempotency key."""
    async with as_api.transaction():
        await as_api.execute("SELECT tenancy.sign_in($1)", hsbc.parent.token)
        await as_api.execute("SELECT tenancy.begin_request('large', sha256('x'))")
        with pytest.raises(asyncpg.CheckViolationError, match="idempotency_keys_answer_size"):
            await as_api.execute("SELECT tenancy.finish_request('large', to_jsonb(repeat('x', 1000000)))")


async def test_a_creation_with_a_key_is_not_stopped(server_url: URL) -> None:
    """One that is under way when the bounds are added finishes first: neither waits for a lock the other holds."""
    async with fresh_database(server_url, "stamp_with_the_clock") as own:
        operator, api = await own.connect_as_operator(), await own.connect_as_api()
        bank = await Registry(operator).create_organization()
        async with api.transaction():
            await api.execute("SELECT tenancy.sign_in($1)", bank.parent.token)
            await api.execute("SELECT tenancy.begin_request('under way', sha256('x'))")
            async with upgrade_that_waits(own):
                await api.execute(CREATE, bank.parent.tenant_id)
                await api.execute("SELECT tenancy.finish_request('under way', '{}')")
                await api.execute("COMMIT; BEGIN")
        for connection in (operator, api):
            await connection.close()


async def test_tokens_are_issued_while_their_indexes_are_built(server_url: URL) -> None:
    """Building waits for a transaction that has issued a token, and no other transaction waits for the building."""
    async with fresh_database(server_url, "bound_texts") as own:
        operator, other = await own.connect_as_operator(), await own.connect_as_operator()
        bank = await Registry(operator).create_organization()
        await operator.execute("BEGIN")
        await Registry(operator).issue_token(bank.parent.tenant_id, bank.parent.tenant_id)
        async with upgrade_that_waits(own):
            await other.execute("SET lock_timeout = '2s'")
            await Registry(other).issue_operator_token()
            await operator.execute("COMMIT")
        for connection in (operator, other):
            await connection.close()


async def test_indexes_that_a_failed_attempt_left_are_made_anew(server_url: URL) -> None:
    """An index that could not be built to its end stays behind, invalid: the next attempt replaces it."""
    async with fresh_database(server_url, "bound_texts") as own:
        admin = await own.connect_as_admin()
        await admin.execute("CREATE INDEX access_tokens_expires_at ON tenancy_private.access_tokens (label)")
        await up(own)
        [definition] = await admin.fetchrow(
            "SELECT pg_get_indexdef('tenancy_private.access_tokens_expires_at'::regclass)"
        )
        assert definition.endswith("(expires_at)")
        await admin.close()


@asynccontextmanager
async def upgrade_that_waits(own: TestDatabase) -> AsyncIterator[None]:
    """Start an upgrade, enter once it waits for another session, and see it finish at the end."""
    admin = await own.connect_as_admin()
    upgrade = asyncio.create_task(up(own))

    async def waits() -> bool:
        return upgrade.done() or bool(await admin.fetchval(WAITS))

    await until(waits, "the migration waits for a lock")
    assert not upgrade.done()
    yield
    await upgrade
    await admin.close()


async def test_longer_values_stay(server_url: URL) -> None:
    """A database that SQL has filled migrates all the same; its long rows stay, and new ones are refused."""
    async with fresh_database(server_url) as own:
        await down(own, "stamp_with_the_clock")
        admin = await own.connect_as_admin()
        await admin.execute("SELECT set_config('app.request_id', repeat('x', 1000), false)")
        await admin.execute("INSERT INTO tenancy.tenants (tenant_type, name) VALUES ('parent', 'Long')")
        await up(own)
        assert await admin.fetchval("SELECT max(char_length(request_id)) FROM tenancy.tenant_events") == 1000
        with pytest.raises(asyncpg.CheckViolationError):
            await admin.execute("UPDATE tenancy.tenants SET name = 'Still long'")
        await admin.close()
