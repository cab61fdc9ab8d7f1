"""In shadow nothing is enforced, and the server's log names what would be hidden or refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.protecting.legacy_table import LegacyTable
from tests.support.accounts import execute_as_owner

INSERT = "INSERT INTO tenancy.payments (tenant_id, reference, amount) VALUES ('{tenant}', 'new', 1)"
SELECT = "SELECT FROM tenancy.payments WHERE tenant_id = '{tenant}'"
UPDATE = "UPDATE tenancy.payments SET amount = 0 WHERE tenant_id = '{tenant}'"
DELETE = "DELETE FROM tenancy.payments WHERE tenant_id = '{tenant}'"


@pytest.fixture
async def shadowed(legacy: LegacyTable) -> LegacyTable:
    """Give the table in shadow."""
    await legacy.do("prepare", "backfill", "validate", "shadow")
    return legacy


@pytest.fixture
async def lines(shadowed: LegacyTable, application: asyncpg.Connection) -> list[str]:
    """Collect what the application's statements log: its session asks to be sent that, too."""
    assert shadowed.role
    await application.execute("SET client_min_messages = log")
    lines: list[str] = []
    application.add_log_listener(
        lambda _, message: lines.append(f"{message.sqlstate}: {message.message}; {message.detail}")
    )
    return lines


@asynccontextmanager
async def undone(connection: asyncpg.Connection, isolation: str) -> AsyncIterator[None]:
    """Open a transaction and roll it back, the time of the session's last line included."""
    transaction = connection.transaction(isolation=isolation)
    await transaction.start()
    yield
    await transaction.rollback()


def says(verb: str, role: str, why: str) -> str:
    """Return the line."""
    effect = "refuse" if verb == "INSERT" else "hide"
    return f"MT004: row level security would {effect} a row of tenancy.payments; {verb} by role {role}, with {why}."


async def test_statements_without_a_token(
    shadowed: LegacyTable, application: asyncpg.Connection, lines: list[str]
) -> None:
    """Each verb is carried out as before and logged once; further rows and statements are not, for ten seconds."""
    tenant = shadowed.banks[0].parent.tenant_id
    why = "no valid access token"
    assert await application.execute(INSERT.format(tenant=tenant)) == "INSERT 0 1"
    assert lines == [says("INSERT", shadowed.role, why)]
    assert await application.execute(SELECT.format(tenant=tenant)) == "SELECT 4"
    assert lines[1:] == [says("SELECT", shadowed.role, why)]
    assert await application.execute(UPDATE.format(tenant=tenant)) == "UPDATE 4"
    assert lines[2:] == [says("UPDATE", shadowed.role, why)]
    assert await application.execute(DELETE.format(tenant=tenant)) == "DELETE 4"
    assert lines[3:] == [says("DELETE", shadowed.role, why)]
    assert await application.execute("SELECT FROM tenancy.payments") == "SELECT 15"
    assert len(lines) == 4


@pytest.mark.parametrize("statement", [SELECT, INSERT, UPDATE, DELETE])
async def test_statements_with_a_token(
    shadowed: LegacyTable, application: asyncpg.Connection, lines: list[str], statement: str
) -> None:
    """What the token reaches is not logged; what it does not reach is, and is carried out."""
    mine, theirs = shadowed.banks
    subsidiary, sister = mine.subsidiaries
    for token, tenant, is_reached in (
        (subsidiary.token, subsidiary, True),
        (mine.parent.token, subsidiary, True),
        (subsidiary.token, sister, False),
        (subsidiary.token, mine.parent, False),
        (mine.parent.token, theirs.parent, False),
    ):
        lines.clear()
        async with undone(application, "read_committed"):
            await application.execute("SELECT set_config('app.current_tenant', $1, true)", token)
            status = await application.execute(statement.format(tenant=tenant.tenant_id))
        assert not status.endswith(" 0")
        verb = statement.split(maxsplit=1)[0]
        expected = says(verb, shadowed.role, "an access token of another tenant")
        assert (expected in lines) is not is_reached
        assert not is_reached or lines == []


@pytest.mark.parametrize("value", ["", "a tenant's name", "00000000-0000-0000-0000-000000000000"])
async def test_a_variable_that_holds_no_token(
    shadowed: LegacyTable, application: asyncpg.Connection, lines: list[str], value: str
) -> None:
    """An application that keeps something else in the variable, or uses another isolation level, fails nowhere."""
    for isolation in ("read_committed", "repeatable_read", "serializable"):
        async with undone(application, isolation):
            await application.execute("SELECT set_config('app.current_tenant', $1, true)", value)
            assert await application.execute("SELECT FROM tenancy.payments") == "SELECT 18"
    assert lines == [says("SELECT", shadowed.role, "no valid access token")] * 3


async def test_a_role_that_comes_later(shadowed: LegacyTable) -> None:
    """A role that has its privileges by another way sees all, and is logged when the step is run again."""
    await execute_as_owner(
        shadowed.admin,
        "GRANT USAGE ON SCHEMA tenancy TO pg_monitor",
        "GRANT SELECT ON tenancy.payments TO pg_monitor",
    )
    for role in ("pg_monitor", "pg_read_all_data"):
        async with shadowed.admin.transaction():
            await shadowed.admin.execute(f"SET LOCAL ROLE {role}")
            assert await shadowed.admin.fetchval("SELECT count(*) FROM tenancy.payments") == 18
    assert (await shadowed.run("shadow")).exit_code == 0
    roles = "SELECT polroles::regrole[]::text[] FROM pg_policy WHERE polname LIKE '% is logged in shadow'"
    assert [set(row[0]) for row in await shadowed.admin.fetch(roles)] == [{"pg_monitor", shadowed.role}] * 4
    assert (await shadowed.run("undo")).exit_code == 0
    held = "SELECT has_function_privilege($1, 'tenancy.reach_in_shadow()', 'EXECUTE')"
    assert not await shadowed.admin.fetchval(held, "pg_monitor")
