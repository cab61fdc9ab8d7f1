"""Every text that the service's role can have stored has a bound, in the database."""

import asyncpg
import pytest
from sqlalchemy import URL

from tests.migrations.test_migrations import down, up
from tests.support.fresh_database import fresh_database
from tests.support.organization import Organization

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

COPIES = {"old_values", "new_values", "token_label", "database_role", "table_name"}
"""Of an event: what the trigger copies from columns that are bounded, and names of the catalogue."""


async def test_every_text_is_bounded(as_admin: asyncpg.Connection) -> None:
    """From the catalogue: a column without a bound on its length is a copy of one that has it."""
    found = {row[0] for row in await as_admin.fetch(UNBOUNDED)}
    assert found == {f"tenancy.tenant_events.{column}" for column in COPIES}


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
    """Nor the memory of answers."""
    async with as_api.transaction():
        await as_api.execute("SELECT tenancy.sign_in($1)", hsbc.parent.token)
        await as_api.execute("SELECT tenancy.begin_request('large', sha256('x'))")
        with pytest.raises(asyncpg.CheckViolationError, match="remembered_requests_answer_size"):
            await as_api.execute("SELECT tenancy.finish_request('large', to_jsonb(repeat('x', 1000000)))")


async def test_what_is_longer_already_stays(server_url: URL) -> None:
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
