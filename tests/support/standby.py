"""A primary and its hot standby by PostgreSQL's streaming replication: promotion, lag, and the way back."""

import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import asyncpg

from multi_tenant_db.development import EmbeddedPostgres
from tests.reliability.support.until import until

REPLICATION = {
    "hot_standby_feedback": "on",
    "wal_receiver_status_interval": "100ms",
    "wal_retrieve_retry_interval": "100ms",
}
SYNCHRONOUS = {"synchronous_commit": "remote_apply"}
"""For `settings` of both servers; a commit waits once `require_standby` has named the standby."""

SECONDS_TO_REPLICATE = 20.0


@contextmanager
def primary_and_standby(
    *, durable: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[EmbeddedPostgres, EmbeddedPostgres]]:
    """Run both, the standby on a copy of the primary's data, and remove them at the end."""
    parent = Path(tempfile.mkdtemp(prefix="multi-tenant-db-standby-", dir="/var/tmp"))
    parent.chmod(0o755)
    primary = EmbeddedPostgres(parent / "primary", durable=durable, settings=settings)
    standby: EmbeddedPostgres | None = None
    try:
        primary.start()
        primary.stop()
        # A server that was stopped in order is a base backup as it lies there.
        subprocess.run(["cp", "-a", primary.folder, parent / "standby"], check=True)
        primary.start()
        standby = standby_of(primary, parent / "standby", durable=durable, settings=settings)
        yield primary, standby.start()
    finally:
        if standby is not None:
            standby.kill()
        primary.kill()
        shutil.rmtree(parent, ignore_errors=True)


def standby_of(
    primary: EmbeddedPostgres,
    folder: Path,
    *,
    port: int | None = None,
    durable: bool = False,
    settings: Mapping[str, str] | None = None,
) -> EmbeddedPostgres:
    """Return a server, not yet started, that follows a primary on a copy of its data.

    The folder of a former primary will do if that was stopped in order: it has nothing that the new one lacks.
    """
    source = f"host=127.0.0.1 port={primary.port} user=postgres password={primary.password}"
    (folder / "data" / "standby.signal").touch()
    replication = REPLICATION | {"primary_conninfo": source}
    return EmbeddedPostgres(folder, port=port, durable=durable, settings={**(settings or {}), **replication})


async def promote(standby: EmbeddedPostgres) -> float:
    """Promote a standby and wait until it takes writes; return when that was asked for, by the monotonic clock."""
    asked = monotonic()
    assert await fetch_value(standby, "SELECT pg_promote()")
    return asked


async def require_standby(primary: EmbeddedPostgres) -> None:
    """Let every commit of the primary wait for its standby, as SYNCHRONOUS says."""
    await fetch_value(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
    await fetch_value(primary, "SELECT pg_reload_conf()")
    await _until(primary, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")


async def wait_until_applied(primary: EmbeddedPostgres, standby: EmbeddedPostgres) -> None:
    """Return when the standby has applied all that the primary has written until now."""
    written = await fetch_value(primary, "SELECT pg_current_wal_lsn()::text")
    await _until(standby, f"SELECT coalesce(pg_last_wal_replay_lsn() >= '{written}', false)")


@asynccontextmanager
async def lagging(standby: EmbeddedPostgres) -> AsyncIterator[None]:
    """Let a standby receive and not apply, for as long as this is entered or until it is promoted."""
    await fetch_value(standby, "SELECT pg_wal_replay_pause()")
    await _until(standby, "SELECT pg_get_wal_replay_pause_state() = 'paused'")
    try:
        yield
    finally:
        if await fetch_value(standby, "SELECT pg_is_in_recovery()"):
            await fetch_value(standby, "SELECT pg_wal_replay_resume()")


async def fetch_value(server: EmbeddedPostgres, statement: str) -> Any:
    """Run a statement as the superuser, on a connection of its own."""
    connection = await asyncpg.connect(server.url(), timeout=SECONDS_TO_REPLICATE)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def _until(server: EmbeddedPostgres, condition: str) -> None:
    async def holds() -> bool:
        return bool(await fetch_value(server, condition))

    await until(holds, condition, SECONDS_TO_REPLICATE)
