"""`mtdb organization move`, as an operator runs it."""

import re
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import URL

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.moving.move_step import MoveStep
from tests.moving.filled import as_admin, filled_organization, home_of
from tests.moving.test_interrupted_moves import kill_after
from tests.moving.traces import traces
from tests.moving.two_servers import HERE, THERE, TwoServers
from tests.support.fresh_database import fresh_database
from tests.support.mtdb import mtdb, mtdb_process
from tests.support.registry import Registry

MOVE = ("organization", "move")


async def test_an_organisation_moves_by_name(both: TwoServers, registry_here: Registry) -> None:
    """It is found by name or id wherever it is, and says for how long writes were refused."""
    hsbc = await filled_organization(both, registry_here)
    done = await mtdb(*MOVE, hsbc.parent.name, "--to", THERE, "--max-pause", "10", env=both.environment())
    assert done.exit_code == 0, done.stderr
    said = re.fullmatch(re.escape(hsbc.parent.name) + r" is on b; writes were refused for (\d+\.\d\d) s\n", done.stdout)
    assert said
    assert 0 < float(said[1]) <= 10
    assert done.stderr.splitlines()[-2:] == ["switched", "deleted the rows on the server it came from"]
    assert await home_of(both, hsbc.parent.token) == {HERE: "MT001 b", THERE: "yes"}
    back = await mtdb(
        *MOVE, str(hsbc.parent.tenant_id), "--to", HERE, "--from", THERE, "--max-pause", "10", env=both.environment()
    )
    assert back.exit_code == 0, back.stderr
    assert (await home_of(both, hsbc.parent.token))[HERE] == "yes"
    assert await traces(both) == []


async def test_what_cannot_be_moved_is_said_in_one_line(both: TwoServers, registry_here: Registry) -> None:
    """Each mistake has its exit code and a line that names what to do."""
    hsbc = await filled_organization(both, registry_here)
    name, environment = hsbc.parent.name, both.environment()
    subsidiary = str(hsbc.subsidiaries[0].tenant_id)
    without = both.environment(as_administrator=False)
    silent = environment | {"MTDB_SERVERS__C": "postgresql://a:b@127.0.0.1:1/tenancy"}
    as_operator = both.environment(as_administrator=False)
    as_operator["MTDB_DATABASE_URL"] = as_operator["MTDB_DATABASE_URL"].replace(
        "//", f"//tenancy_operator:{environment['MTDB_OPERATOR_PASSWORD'].replace(' ', '%20')}@"
    )
    as_operator["MTDB_SERVERS__B"] = environment["MTDB_SERVERS__B"]
    for arguments, env, code, said in (
        ((name, "--to", "c"), environment, ExitCode.USAGE, "there is no server 'c': use default or b"),
        ((name, "--to", HERE), environment, ExitCode.FAILED, "is on default already"),
        (("No such bank", "--to", THERE), environment, ExitCode.FAILED, "none of the servers default, b has an org"),
        ((subsidiary, "--to", THERE), environment, ExitCode.FAILED, "none of the servers default, b has an org"),
        ((name, "--to", HERE, "--from", THERE), environment, ExitCode.FAILED, "b has no organisation"),
        ((name, "--to", THERE, "--cancel"), environment, ExitCode.FAILED, "no move of the organisation is under way"),
        ((name, "--to", THERE), without, ExitCode.USAGE, "MTDB_DATABASE_URL must name an administrator"),
        ((name, "--to", THERE), silent, ExitCode.NO_DATABASE, "the server c cannot be reached"),
        ((name, "--to", THERE), as_operator, ExitCode.FAILED, "no superuser"),
        ((name, "--to", THERE, "--source-address", "127.0.0.1:1"), environment, ExitCode.FAILED, "could not connect"),
    ):
        outcome = await mtdb(*MOVE, *arguments, env=env)
        assert outcome.exit_code == code, outcome.stderr
        assert said in outcome.stderr.splitlines()[-1]
        assert outcome.stdout == ""
    assert await traces(both) == []
    assert (await home_of(both, hsbc.parent.token))[HERE] == "yes"


async def test_names_are_not_unique(both: TwoServers, registry_here: Registry) -> None:
    """Of two organisations with one name the command asks for an id."""
    one = await registry_here.create_tenant("The same bank")
    other = await registry_here.create_tenant("The same bank")
    outcome = await mtdb(*MOVE, "The same bank", "--to", THERE, env=both.environment())
    assert outcome.exit_code == ExitCode.FAILED
    assert all(str(party.tenant_id) in outcome.complaint for party in (one, other))


async def test_servers_must_fit_one_another(both: TwoServers, registry_here: Registry) -> None:
    """Another revision, a missing table, other columns, rows without an organisation or left-over rows are named."""
    hsbc = await filled_organization(both, registry_here)
    clauses = "organization_id uuid NOT NULL, tenant_id uuid NOT NULL"
    insert = "INSERT INTO tenancy.tenants (tenant_id, tenant_type, name) VALUES ($1, 'parent', 'Left over')"
    for label, change, undo, said in (
        (THERE, "UPDATE public.alembic_version SET version_num = 'x'", None, "run `mtdb migrate`"),
        (HERE, f"CREATE TABLE tenancy.extra ({clauses})", "DROP TABLE tenancy.extra", "tenancy.extra is missing on b"),
        (
            THERE,
            "ALTER TABLE tenancy.accounts ADD COLUMN note text",
            "ALTER TABLE tenancy.accounts DROP COLUMN note",
            "tenancy.accounts has other columns on b",
        ),
        (
            HERE,
            "CREATE TABLE tenancy.extra (tenant_id uuid NOT NULL)",
            "DROP TABLE tenancy.extra",
            "tenancy.extra: rows of tenants cannot move without a column organization_id",
        ),
    ):
        async with as_admin(both, label) as admin:
            revision = await admin.fetchval("SELECT version_num FROM public.alembic_version")
            await admin.execute(change)
            try:
                outcome = await mtdb(*MOVE, hsbc.parent.name, "--to", THERE, env=both.environment())
            finally:
                await admin.execute(undo or f"UPDATE public.alembic_version SET version_num = '{revision}'")
        assert said in outcome.complaint
    async with as_admin(both, THERE) as there:
        await there.execute(insert, hsbc.parent.tenant_id)
        for arguments, said in (((), "without a move"), (("--from", HERE), "on b has rows of the organisation")):
            organization = str(hsbc.parent.tenant_id)
            outcome = await mtdb(*MOVE, organization, "--to", THERE, *arguments, env=both.environment())
            assert outcome.exit_code == ExitCode.FAILED
            assert said in outcome.complaint
        await there.execute("DELETE FROM tenancy.tenants WHERE tenant_id = $1", hsbc.parent.tenant_id)
    assert await traces(both) == []


async def test_wal_level_is_asked_for(server_url: URL) -> None:
    """A source without logical decoding is refused before anything is changed."""
    async with fresh_database(server_url) as one, fresh_database(server_url) as other:
        operator = await one.connect_as_operator()
        hsbc = await Registry(operator).create_organization("HSBC")
        await operator.close()
        urls = [database.admin_url.set(drivername="postgresql") for database in (one, other)]
        environment = {
            "MTDB_DATABASE_URL": urls[0].render_as_string(hide_password=False),
            "MTDB_SERVERS__B": urls[1].render_as_string(hide_password=False),
        }
        outcome = await mtdb(*MOVE, hsbc.parent.name, "--to", THERE, env=environment)
        assert "set it to logical and restart the server" in outcome.complaint


@pytest.mark.parametrize("arguments", [("--cancel",), ()])
async def test_an_interrupted_move_is_cancelled_or_completed(
    both: TwoServers, registry_here: Registry, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """The organisation is then on both servers, and the command knows which one gives it away."""
    hsbc = await filled_organization(both, registry_here)
    await kill_after(MoveStep.COPIED, both, hsbc)
    command = (*MOVE, hsbc.parent.name, "--to", THERE, "--max-pause", "10", *arguments)
    outcome = await mtdb_process(*command, env=both.environment(), cwd=tmp_path)
    assert outcome.exit_code == 0, outcome.stderr
    assert ("undone" in outcome.stdout) == bool(arguments)
    home = await home_of(both, hsbc.parent.token)
    assert home == ({HERE: "yes", THERE: "28000"} if arguments else {HERE: "MT001 b", THERE: "yes"})
    assert await traces(both) == []


async def test_a_terminal_sees_the_progress(
    both: TwoServers, registry_here: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a terminal the copied rows are counted."""
    hsbc = await filled_organization(both, registry_here)
    monkeypatch.setattr(Console, "is_terminal", True)
    done = await mtdb(*MOVE, hsbc.parent.name, "--to", THERE, "--max-pause", "10", env=both.environment())
    assert done.exit_code == 0, done.stderr
    assert "rows copied" in done.stderr


async def test_a_move_that_only_has_to_clean_up_is_found(both: TwoServers, registry_here: Registry) -> None:
    """Its organisation has no row on the source any more; it can neither be moved back before, nor get lost."""
    hsbc = await filled_organization(both, registry_here)
    barclays = await filled_organization(both, registry_here, "Barclays")
    await kill_after(MoveStep.DELETED, both, hsbc)
    for arguments, said in (
        ((hsbc.parent.name, "--to", HERE), "run it with --to b"),
        ((hsbc.parent.name, "--to", HERE, "--from", THERE), "still has to clean up"),
        ((hsbc.parent.name, "--to", THERE, "--cancel"), "is on b already"),
        ((barclays.parent.name, "--to", THERE), "was interrupted: complete it first"),
    ):
        outcome = await mtdb(*MOVE, *arguments, env=both.environment())
        assert outcome.exit_code == ExitCode.FAILED
        assert said in outcome.stderr.splitlines()[-1]
    done = await mtdb(*MOVE, hsbc.parent.name, "--to", THERE, env=both.environment())
    assert done.exit_code == 0, done.stderr
    assert await home_of(both, hsbc.parent.token) == {HERE: "MT001 b", THERE: "yes"}
    assert await traces(both) == []


async def test_nothing_is_deleted_that_the_target_lacks(both: TwoServers, registry_here: Registry) -> None:
    """Should the rows on the target be gone after the switch, those on the source are the last."""
    hsbc = await filled_organization(both, registry_here)
    await kill_after(MoveStep.SWITCHED, both, hsbc)
    async with as_admin(both, THERE) as admin:
        own = f"SELECT * FROM tenancy.tenants WHERE organization_id = '{hsbc.parent.tenant_id}'"
        await admin.execute(f"CREATE TABLE public.kept AS {own}; SET session_replication_role = replica")
        await admin.execute("DELETE FROM tenancy.tenants USING public.kept WHERE kept.tenant_id = tenants.tenant_id")
    outcome = await mtdb(*MOVE, hsbc.parent.name, "--to", THERE, env=both.environment())
    assert outcome.exit_code == ExitCode.FAILED
    assert "nothing was deleted on default" in outcome.stderr.splitlines()[-1]
    async with as_admin(both, HERE) as admin:
        count = "SELECT count(*) FROM tenancy.tenants WHERE organization_id = $1"
        assert await admin.fetchval(count, hsbc.parent.tenant_id) == len(hsbc.parties)
    async with as_admin(both, THERE) as admin:
        await admin.execute("SET session_replication_role = replica")
        await admin.execute("INSERT INTO tenancy.tenants SELECT * FROM public.kept; DROP TABLE public.kept")
    done = await mtdb(*MOVE, hsbc.parent.name, "--to", THERE, env=both.environment())
    assert done.exit_code == 0, done.stderr
