"""A failed `mtdb organization move` says whether what was begun is undone, or goes on with the next run."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from multi_tenant_db.cli.exit_code import ExitCode
from tests.moving.filled import as_admin, filled_organization, home_of
from tests.moving.traces import traces
from tests.moving.two_servers import HERE, THERE, TwoServers
from tests.support.interruptible import PYTHON
from tests.support.mtdb import PROGRAM, mtdb
from tests.support.organization import Organization
from tests.support.registry import Registry

MOVE = ("organization", "move")
TO_THERE = ("--to", THERE, "--max-pause", "10")
UNDONE = "what was begun is undone"
GOES_ON = "the move goes on when the command is run again"
END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
)


WAIT_FOR_LOCK = """
    CREATE FUNCTION public.wait_for_lock() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN new; END';
    CREATE TRIGGER wait_for_lock BEFORE INSERT ON tenancy.tenants FOR EACH ROW EXECUTE FUNCTION public.wait_for_lock();
    ALTER TABLE tenancy.tenants ENABLE ALWAYS TRIGGER wait_for_lock;
    SELECT pg_advisory_lock(1);
"""


@asynccontextmanager
async def waiting_move(
    both: TwoServers, organization: Organization, folder: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncpg.Connection]]:
    """Run a move that cannot copy the tenants before the connection, to the target, releases its locks."""
    async with as_admin(both, THERE) as there:
        await there.execute(WAIT_FOR_LOCK)
        process = await asyncio.create_subprocess_exec(
            *(*PYTHON, PROGRAM),
            *(*MOVE, organization.parent.name, *TO_THERE),
            env={"PATH": os.environ["PATH"], **both.environment()},
            cwd=folder,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stderr is not None
            async with asyncio.timeout(60):
                while (line := await process.stderr.readline()) != b"copying the rows; changes follow\n":
                    assert line, "the move ended"
            yield process, there
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await there.execute("SELECT pg_advisory_unlock_all(); DROP FUNCTION public.wait_for_lock CASCADE")


async def test_an_error_of_a_server_undoes_the_move(both: TwoServers, registry_here: Registry) -> None:
    """The reason is in one line, and that everything is as before."""
    hsbc = await filled_organization(both, registry_here)
    tokens = "ALTER TABLE tenancy_private.access_tokens"
    async with as_admin(both, THERE) as there:
        await there.execute(f"{tokens} ADD CONSTRAINT refused CHECK (false) NOT VALID")
        outcome = await mtdb(*MOVE, hsbc.parent.name, *TO_THERE, env=both.environment())
        await there.execute(f"{tokens} DROP CONSTRAINT refused")
    last = outcome.stderr.splitlines()[-1]
    assert outcome.exit_code == ExitCode.FAILED
    assert last.startswith("mtdb: a server refused (")
    assert last.endswith(f": {UNDONE}")
    assert await traces(both) == []
    assert await home_of(both, hsbc.parent.token) == {HERE: "yes", THERE: "28000"}


async def test_a_refusal_after_the_beginning_says_that_it_is_undone(both: TwoServers, registry_here: Registry) -> None:
    """Its reason is the last line."""
    hsbc = await filled_organization(both, registry_here)
    async with as_admin(both, THERE) as there:
        await there.execute("ALTER TABLE tenancy.accounts ADD CONSTRAINT refused CHECK (false) NOT VALID")
        outcome = await mtdb(*MOVE, hsbc.parent.name, *TO_THERE, env=both.environment())
        await there.execute("ALTER TABLE tenancy.accounts DROP CONSTRAINT refused")
    assert outcome.exit_code == ExitCode.FAILED
    assert outcome.stderr.splitlines()[-2] == UNDONE
    assert "b cannot take a row" in outcome.stderr.splitlines()[-1]
    assert await traces(both) == []


async def test_a_lost_server_leaves_a_move_that_goes_on(
    both: TwoServers, registry_here: Registry, tmp_path: Path
) -> None:
    """Without its sessions the command cannot undo anything, says so, and the next run can."""
    hsbc = await filled_organization(both, registry_here)
    async with waiting_move(both, hsbc, tmp_path) as (process, there):
        async with as_admin(both, HERE) as here:
            await here.execute(END_OTHERS)
        await there.execute("SELECT pg_advisory_unlock_all()")
        _, said = await process.communicate()
    assert GOES_ON in said.decode()
    assert said.decode().splitlines()[-1].startswith("mtdb: "), said
    assert process.returncode in {ExitCode.FAILED, ExitCode.NO_DATABASE}
    cancelled = await mtdb(*MOVE, hsbc.parent.name, "--to", THERE, "--cancel", env=both.environment())
    assert cancelled.exit_code == 0, cancelled.stderr
    assert await traces(both) == []


async def test_an_interrupted_command_undoes_the_move(
    both: TwoServers, registry_here: Registry, tmp_path: Path
) -> None:
    """Ctrl+C ends it in order."""
    hsbc = await filled_organization(both, registry_here)
    async with waiting_move(both, hsbc, tmp_path) as (process, there):
        process.send_signal(signal.SIGINT)
        await there.execute("SELECT pg_advisory_unlock_all()")
        _, said = await process.communicate()
    assert f"interrupted: {UNDONE}" in said.decode().splitlines()
    assert process.returncode not in {0, None}
    assert await traces(both) == []
    assert await home_of(both, hsbc.parent.token) == {HERE: "yes", THERE: "28000"}
