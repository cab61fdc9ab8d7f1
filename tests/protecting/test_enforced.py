"""The enforced table is the service's, under the policies; what would weaken it is refused before."""

import asyncpg
import pytest

from tests.protecting.legacy_table import LegacyTable
from tests.support.accounts import execute_as_owner
from tests.support.attempt import attempt
from tests.support.audit import events_seen_by
from tests.support.mtdb import mtdb, settings_for

INSERT = "INSERT INTO tenancy.payments (organization_id, tenant_id, reference) VALUES ('{}', '{}', 'mine')"
TO_SHADOW = ("prepare", "backfill", "validate", "shadow")


async def test_the_service_reaches_rows_by_token(
    legacy: LegacyTable, application: asyncpg.Connection, service: asyncpg.Connection
) -> None:
    """Each caller has the rows of its reach, a change leaves an event, and the application's role has none."""
    await execute_as_owner(legacy.admin, "ALTER TABLE tenancy.payments ALTER COLUMN amount SET DEFAULT 0")
    await legacy.do(*TO_SHADOW, "enforce")
    mine, theirs = legacy.banks
    subsidiary = mine.subsidiaries[0]
    for token, tenants in (
        (subsidiary.token, {subsidiary.tenant_id}),
        (theirs.parent.token, {party.tenant_id for party in theirs.parties}),
        (None, set()),
    ):
        rows = await attempt(service, token, "SELECT tenant_id FROM tenancy.payments")
        assert {row["tenant_id"] for row in rows} == tenants
    await attempt(service, subsidiary.token, INSERT.format(mine.parent.tenant_id, subsidiary.tenant_id))
    assert "payments" in {event["table_name"] for event in await events_seen_by(service, subsidiary)}
    for statement in ("SELECT FROM tenancy.payments", "DELETE FROM tenancy.payments"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await application.execute(statement)


async def test_no_sample_of_rows_is_left(legacy: LegacyTable) -> None:
    """Neither of the columns nor of an index's expression, and undo brings back what the application's plans need."""
    await legacy.do(*TO_SHADOW)
    samples = """
        SELECT count(*) FROM pg_statistic
        WHERE starelid IN ('tenancy.payments'::regclass, 'tenancy.payments_reference'::regclass)
    """
    assert await legacy.admin.fetchval(samples) > 0
    await legacy.do("enforce")
    await legacy.admin.execute("ANALYZE tenancy.payments")
    assert await legacy.admin.fetchval(samples) == 0
    assert (await legacy.run("undo")).exit_code == 0
    assert await legacy.admin.fetchval(samples) > 0


@pytest.mark.parametrize(
    ("change", "options", "complaint"),
    [
        ("SELECT", ("--insert", "payment_id"), "learns from the unique index tenancy.payments_pkey"),
        (
            "CREATE UNIQUE INDEX once ON tenancy.payments (lower(reference), tenant_id, payment_id)",
            ("--update", "reference"),
            "learns from the unique index tenancy.once",
        ),
        (
            "ALTER TABLE tenancy.payments ADD COLUMN pays bigint REFERENCES tenancy.payments (payment_id)",
            ("--insert", "reference", "--insert", "pays"),
            "learns from the foreign key payments_pays_fkey whether a hidden row of tenancy.payments has it",
        ),
        (
            "CREATE STATISTICS tenancy.guess ON tenant_id, amount FROM tenancy.payments",
            (),
            "run DROP STATISTICS tenancy.guess",
        ),
        ("SELECT", ("--insert", "misspelt"), 'column "misspelt" of relation "payments" does not exist'),
        ("SELECT", ("--update", "tenant_id"), "the key of tenancy.payments may not be updated"),
    ],
)
async def test_what_would_tell_of_hidden_rows(
    legacy: LegacyTable, change: str, options: tuple[str, ...], complaint: str
) -> None:
    """A column whose constraint ignores the policies, and statistics, are refused with a remedy; nothing is changed."""
    await legacy.do(*TO_SHADOW)
    await execute_as_owner(legacy.admin, change)
    outcome = await legacy.run("enforce", *options)
    assert outcome.exit_code == 1
    assert complaint in outcome.complaint
    assert (await legacy.run("status")).stdout == "tenancy.payments is shadowed; next: enforce\n"


async def test_the_service_may_start_meanwhile(legacy: LegacyTable) -> None:
    """A table under way is a warning, as the service has no privilege on it; with one, or a view, it is a danger."""
    env = settings_for(legacy.database)
    outcome = await mtdb("check", env=env)
    assert (outcome.exit_code, "rls-not-enabled: tenancy.payments" in outcome.stderr) == (1, True)
    for command in TO_SHADOW:
        await legacy.do(command)
        outcome = await mtdb("check", env=env)
        assert (outcome.exit_code, outcome.stderr) == (0, "")
        assert "warning: table-unfinished: tenancy.payments" in outcome.stdout

    for weakening, undone in (
        ("GRANT SELECT (amount) ON tenancy.payments TO tenancy_api", "REVOKE ALL ON tenancy.payments FROM tenancy_api"),
        ("CREATE VIEW tenancy.all_payments AS TABLE tenancy.payments", "DROP VIEW tenancy.all_payments"),
        ("ALTER TABLE tenancy.payments OWNER TO tenancy_api", "ALTER TABLE tenancy.payments OWNER TO tenancy_owner"),
    ):
        await legacy.admin.execute(weakening)
        assert (await mtdb("check", env=env)).exit_code == 1
        await legacy.admin.execute(undone)
    await legacy.do("enforce")
    outcome = await mtdb("check", env=env)
    assert (outcome.exit_code, "table-unfinished" in outcome.stdout) == (0, False)


async def test_what_shadow_and_policies_refuse(legacy: LegacyTable, application: asyncpg.Connection) -> None:
    """With row level security PostgreSQL refuses COPY FROM, and every statement of a session that turns it off."""
    await legacy.do(*TO_SHADOW)
    with pytest.raises(asyncpg.FeatureNotSupportedError, match="COPY FROM not supported with row-level security"):
        await application.execute("COPY tenancy.payments (tenant_id, reference, amount) FROM STDIN")
    await application.execute("SET row_security = off")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="affected by row-level security"):
        await application.execute("SELECT FROM tenancy.payments")
