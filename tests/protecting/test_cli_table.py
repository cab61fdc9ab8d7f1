"""What `mtdb table` refuses before it changes anything, and how it reports on several servers."""

import asyncpg
import pytest

from multi_tenant_db.protecting import filling
from multi_tenant_db.protecting.session import LOCK
from tests.protecting.legacy_table import LegacyTable
from tests.support.accounts import execute_as_owner
from tests.support.mtdb import mtdb, settings_for

OTHERS = "tenancy.others"
CREATE = "CREATE TABLE tenancy.others (tenant_id uuid NOT NULL)"


@pytest.mark.parametrize(
    ("statements", "complaint"),
    [
        (("CREATE VIEW tenancy.others AS SELECT",), "is not an ordinary table"),
        ((CREATE, "RESET ROLE", "ALTER TABLE tenancy.others OWNER TO CURRENT_USER"), "has another owner"),
        ((CREATE, "ALTER TABLE tenancy.others ENABLE ROW LEVEL SECURITY"), "has row level security already"),
        (("CREATE TABLE tenancy.others (tenant_id uuid)",), "has no column tenant_id uuid NOT NULL"),
        ((CREATE, "ALTER TABLE tenancy.others ADD organization_id uuid"), "has a column organization_id already"),
        (
            (CREATE, "GRANT SELECT (tenant_id) ON tenancy.others TO tenancy_platform"),
            "run REVOKE ALL ON tenancy.others",
        ),
        ((CREATE, "GRANT MAINTAIN ON tenancy.others TO PUBLIC"), "run REVOKE ALL ON tenancy.others"),
        ((), "there is no table tenancy.others"),
    ],
)
async def test_tables_that_cannot_be_protected(
    legacy: LegacyTable, statements: tuple[str, ...], complaint: str
) -> None:
    """The first step names what has to be done before."""
    await execute_as_owner(legacy.admin, *statements)
    outcome = await legacy.run("prepare", table=OTHERS)
    assert outcome.exit_code == 1
    assert complaint in outcome.complaint
    assert not await legacy.admin.fetchval("SELECT count(*) FROM tenancy_private.organizations_of_tenants")


async def test_a_table_where_the_service_cannot_go(legacy: LegacyTable) -> None:
    """A table of a schema that the service may not use has to move."""
    await execute_as_owner(
        legacy.admin, "CREATE SCHEMA elsewhere", "CREATE TABLE elsewhere.others (tenant_id uuid NOT NULL)"
    )
    outcome = await legacy.run("prepare", table="elsewhere.others")
    assert "run ALTER TABLE ... SET SCHEMA tenancy" in outcome.complaint


@pytest.mark.parametrize("name", ["payments", "tenancy.payments; DROP TABLE x", 'tenancy."payments', "a.b.c.d", ""])
async def test_names_that_are_none(legacy: LegacyTable, name: str) -> None:
    """A name without its schema, or that is no name, is refused in one line."""
    assert "name it with its schema" in (await legacy.run("status", table=name)).complaint


async def test_names_that_need_quotes(legacy: LegacyTable) -> None:
    """Table and key may have any names; a table without a primary key is protected, too."""
    name = 'tenancy."My ""Payments"" of a very long name, longer than forty"'
    await execute_as_owner(
        legacy.admin,
        f'CREATE TABLE {name} ("Tenant; --" text, tenant_id uuid NOT NULL)',
        f"GRANT SELECT ON {name} TO {legacy.role}",
    )
    await legacy.admin.execute(f"INSERT INTO {name} (tenant_id) SELECT tenant_id FROM tenancy.tenants")
    said = ""
    for command, *options in (
        ("prepare",),
        ("backfill",),
        ("validate",),
        ("shadow",),
        ("enforce", "--insert", "Tenant; --"),
        ("undo",),
        ("undo",),
        ("undo",),
        ("undo",),
    ):
        outcome = await legacy.run(command, *options, table=name)
        assert outcome.exit_code == 0, outcome.stderr
        said = outcome.stdout
    assert said == f"{name} is untouched; next: prepare\n"


async def test_undoing_nothing(legacy: LegacyTable) -> None:
    """An untouched table has nothing to undo."""
    assert "there is nothing to undo" in (await legacy.run("undo")).complaint


async def test_an_interrupted_first_step(legacy: LegacyTable) -> None:
    """The next command, whichever it is, removes the copy of the tenants' keys that no table needs."""
    await filling.start(legacy.admin)
    copied = "SELECT count(*) FROM tenancy_private.organizations_of_tenants"
    assert await legacy.admin.fetchval(copied) == 6
    assert (await legacy.run("status")).exit_code == 0
    assert await legacy.admin.fetchval(copied) == 0
    assert not await legacy.admin.fetchval(filling.IS_ENABLED)


async def test_status_for_scripts(legacy: LegacyTable) -> None:
    """It has the table and its step."""
    assert (await legacy.run("status", "--json")).json == {"table": "tenancy.payments", "step": "untouched"}


async def test_one_command_at_a_time(legacy: LegacyTable) -> None:
    """A second command is refused while one is at work."""
    await legacy.admin.execute("SELECT pg_advisory_lock($1)", LOCK)
    assert "another `mtdb table` is at work" in (await legacy.run("prepare")).complaint


async def test_a_table_that_no_role_uses(legacy: LegacyTable) -> None:
    """Where no role has a privilege, nothing is logged, and the table is protected as others are."""
    await execute_as_owner(legacy.admin, f"REVOKE ALL ON tenancy.payments FROM {legacy.role}")
    await legacy.do("prepare", "backfill", "validate", "shadow", "enforce")
    assert (await legacy.run("undo")).stdout == "tenancy.payments is shadowed; next: enforce\n"


async def test_who_may_run_it(legacy: LegacyTable) -> None:
    """It needs an administrator's URL, a superuser's, and a server that answers."""
    plain = settings_for(legacy.database)
    outcome = await mtdb("table", "status", "tenancy.payments", env=plain)
    assert (outcome.exit_code, "must name an administrator" in outcome.complaint) == (2, True)
    user = plain["MTDB_DATABASE_URL"].replace("//", f"//{legacy.role}:password%20of%20the%20application@")
    outcome = await mtdb("table", "status", "tenancy.payments", env=plain | {"MTDB_DATABASE_URL": user})
    assert (outcome.exit_code, "is no superuser" in outcome.complaint) == (1, True)
    away = "postgresql://admin:secret@127.0.0.1:1/tenancy"
    outcome = await mtdb("table", "status", "tenancy.payments", env=plain | {"MTDB_DATABASE_URL": away})
    assert (outcome.exit_code, "check MTDB_DATABASE_URL" in outcome.complaint) == (3, True)


async def test_several_servers(legacy: LegacyTable) -> None:
    """One after the other; a failure names its server, and --server selects one."""
    url = legacy.database.admin_url.set(drivername="postgresql").render_as_string(hide_password=False)
    env = settings_for(legacy.database, MTDB_DATABASE_URL=url, MTDB_SERVERS__B=url.replace("tenancy_fresh", "none"))
    outcome = await mtdb("table", "status", "tenancy.payments", "--server", "default", env=env)
    assert outcome.stdout == "tenancy.payments is untouched; next: prepare\n"
    outcome = await mtdb("table", "status", "tenancy.payments", env=env)
    assert outcome.complaint.startswith("mtdb: server b: the database refused")
    both = await mtdb("table", "status", "tenancy.payments", "--json", env=env | {"MTDB_SERVERS__B": url})
    assert [(found["server"], found["step"]) for found in both.json] == [("default", "untouched"), ("b", "untouched")]


async def test_a_schema_of_another_version(legacy: LegacyTable) -> None:
    """The schema has to be this version's."""
    await legacy.admin.execute("UPDATE public.alembic_version SET version_num = 'another'")
    assert "the schema is at revision another: run `mtdb migrate`" in (await legacy.run("status")).complaint
    await legacy.admin.execute("DROP TABLE public.alembic_version")
    assert "the database has no schema: run `mtdb migrate`" in (await legacy.run("status")).complaint


async def test_a_lock_that_never_ends(
    legacy: LegacyTable, application: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that holds the table throughout is named in the end, and nothing is changed."""
    monkeypatch.setattr("multi_tenant_db.database.short_locks.TRIES", 2)
    async with application.transaction():
        await application.execute("SELECT FROM tenancy.payments")
        assert "a long transaction holds locks" in (await legacy.run("prepare")).complaint
    assert (await legacy.run("status")).stdout == "tenancy.payments is untouched; next: prepare\n"
