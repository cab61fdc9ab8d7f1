"""Every row gets the organisation of its tenant, whenever it is written; wrong rows are named, and none is lost."""

import asyncio
import os
import signal
import sys
from uuid import uuid4

import asyncpg
import pytest

from tests.protecting.legacy_table import LegacyTable
from tests.support.accounts import execute_as_owner
from tests.support.registry import Registry

INSERT = "INSERT INTO tenancy.payments (tenant_id, reference, amount) VALUES ($1, 'new', 1) RETURNING organization_id"
WITHOUT = "SELECT count(*) FROM tenancy.payments WHERE organization_id IS NULL"


async def test_rows_that_are_written_meanwhile(legacy: LegacyTable, application: asyncpg.Connection) -> None:
    """New and changed rows get the organisation, also of a tenant that is new; a statement cannot choose another."""
    await legacy.do("prepare")
    mine, theirs = legacy.banks
    subsidiary = mine.subsidiaries[0].tenant_id
    assert await application.fetchval(INSERT, subsidiary) == mine.parent.tenant_id
    operator = await legacy.database.connect_as_operator()
    new = await Registry(operator).create_tenant("New", theirs.parent.tenant_id)
    await operator.close()
    assert await application.fetchval(INSERT, new.tenant_id) == theirs.parent.tenant_id

    move = "UPDATE tenancy.payments SET tenant_id = $1 WHERE tenant_id = $2 RETURNING organization_id"
    rows = await application.fetch(move, theirs.parent.tenant_id, subsidiary)
    assert {row[0] for row in rows} == {theirs.parent.tenant_id}
    await execute_as_owner(legacy.admin, f"UPDATE tenancy.payments SET organization_id = '{uuid4()}'")
    assert await legacy.wrong_rows() == 0


async def test_a_deleted_tenant(legacy: LegacyTable) -> None:
    """The owner forgets a tenant that is deleted. Its rows stay until the foreign key is there, and are wrong rows."""
    await legacy.do("prepare", "backfill")
    gone = legacy.banks[0].subsidiaries[0].tenant_id
    await legacy.admin.execute("DELETE FROM tenancy.tenants WHERE tenant_id = $1", gone)
    known = "SELECT count(*) FROM tenancy_private.organizations_of_tenants WHERE tenant_id = $1"
    assert await legacy.admin.fetchval(known, gone) == 0
    outcome = await legacy.run("validate")
    assert f"3 rows of tenancy.payments name tenants that do not exist: {gone} (3);" in outcome.complaint

    await legacy.admin.execute("DELETE FROM tenancy.payments WHERE tenant_id = $1", gone)
    await legacy.do("validate")
    await legacy.admin.execute(
        "DELETE FROM tenancy.tenants WHERE tenant_id = $1", legacy.banks[1].subsidiaries[0].tenant_id
    )
    assert await legacy.admin.fetchval("SELECT count(*) FROM tenancy.payments") == 12


async def test_rows_of_no_tenant_are_named(legacy: LegacyTable, application: asyncpg.Connection) -> None:
    """The message names them; the application may write such rows until `validate`, and is refused from then on."""
    strangers = sorted(uuid4() for _ in range(6))
    for stranger in strangers:
        await legacy.admin.execute(INSERT.replace("organization_id", "1"), stranger)
    await legacy.do("prepare")
    assert await application.fetchval(INSERT, strangers[0]) is None
    outcome = await legacy.run("backfill")
    assert outcome.exit_code == 1
    named = ", ".join(f"{stranger} ({1 + (stranger == strangers[0])})" for stranger in strangers[:5])
    assert f"7 rows of tenancy.payments name tenants that do not exist: {named}, ...;" in outcome.complaint
    assert await legacy.admin.fetchval(WITHOUT) == 7

    await legacy.admin.execute("DELETE FROM tenancy.payments WHERE tenant_id = ANY ($1)", strangers)
    await legacy.do("backfill", "validate")
    with pytest.raises(asyncpg.NotNullViolationError):
        await application.fetchval(INSERT, strangers[0])


async def test_the_backfill_is_no_change_of_the_application(legacy: LegacyTable) -> None:
    """The application's triggers do not fire; those of its own statements do."""
    await execute_as_owner(
        legacy.admin,
        """
        CREATE FUNCTION tenancy.count_changes() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp AS 'BEGIN NEW.changes := OLD.changes + 1; RETURN NEW; END'
        """,
        "CREATE TRIGGER a BEFORE UPDATE ON tenancy.payments FOR EACH ROW EXECUTE FUNCTION tenancy.count_changes()",
    )
    await legacy.do("prepare")
    await legacy.admin.execute("UPDATE tenancy.payments SET amount = 0 WHERE payment_id = 1")
    await legacy.do("backfill")
    assert await legacy.admin.fetchval("SELECT sum(changes) FROM tenancy.payments") == 1


async def test_a_row_that_is_held(legacy: LegacyTable, application: asyncpg.Connection) -> None:
    """The backfill waits for no row; it names the reason, and fills the row in when run again."""
    await legacy.do("prepare")
    transaction = application.transaction()
    await transaction.start()
    await application.execute("SELECT FROM tenancy.payments WHERE payment_id = 1 FOR UPDATE")
    outcome = await legacy.run("backfill")
    assert outcome.exit_code == 1
    assert "other transactions hold rows" in outcome.complaint
    assert await legacy.admin.fetchval(WITHOUT) == 1
    await transaction.rollback()
    await legacy.do("backfill")
    assert await legacy.admin.fetchval(WITHOUT) == 0


async def test_a_lock_that_is_held(legacy: LegacyTable, application: asyncpg.Connection) -> None:
    """A step waits shortly for the table, lets others pass in between, and takes its turn when the table is free."""
    transaction = application.transaction()
    await transaction.start()
    await application.execute("SELECT FROM tenancy.payments")
    preparing = asyncio.create_task(legacy.run("prepare"))
    other = await legacy.connect()
    for _ in range(10):
        await other.execute("UPDATE tenancy.payments SET amount = 0 WHERE payment_id = 1", timeout=1)
        await asyncio.sleep(0.05)
    await other.close()
    assert not preparing.done()
    await transaction.rollback()
    assert (await preparing).exit_code == 0


async def test_a_killed_backfill_is_resumed(legacy: LegacyTable) -> None:
    """After kill -9 in the middle, some rows have their organisation; the next run fills in the others."""
    await legacy.admin.execute("""
        INSERT INTO tenancy.payments (tenant_id, reference, amount)
        SELECT tenant_id, repeat('x', 1000), 1 FROM tenancy.tenants, generate_series(1, 200)
    """)
    await legacy.admin.execute("ANALYZE tenancy.payments")
    await legacy.do("prepare")
    url = legacy.database.admin_url.set(drivername="postgresql").render_as_string(hide_password=False)
    program = "from multi_tenant_db.cli.main import main; main()"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "table", "backfill", "tenancy.payments", "--batch", "100", "--pause", "0.1"),
        env={"PATH": os.environ["PATH"], "MTDB_DATABASE_URL": url},
    )
    total: int = await legacy.admin.fetchval(WITHOUT)
    while await legacy.admin.fetchval(WITHOUT) > total - 200:  # noqa: ASYNC110 - another process fills them in
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    assert 0 < await legacy.admin.fetchval(WITHOUT) < total
    await legacy.do("backfill", "validate")
    assert await legacy.wrong_rows() == 0


async def test_an_interrupted_validation_is_resumed(legacy: LegacyTable) -> None:
    """An invalid index and a constraint that is not verified are what an interrupted run leaves."""
    await legacy.do("prepare", "backfill")
    await execute_as_owner(
        legacy.admin,
        "ALTER TABLE tenancy.payments ADD CONSTRAINT payments_organization_known"
        " CHECK (organization_id IS NOT NULL) NOT VALID",
    )
    with pytest.raises(asyncpg.UniqueViolationError):
        await legacy.admin.execute(
            "CREATE UNIQUE INDEX CONCURRENTLY payments_tenant_key ON tenancy.payments (organization_id)"
        )
    await legacy.do("validate")
    index = "SELECT indisvalid, indnatts FROM pg_index WHERE indexrelid = 'tenancy.payments_tenant_key'::regclass"
    assert tuple(await legacy.admin.fetchrow(index)) == (True, 3)
