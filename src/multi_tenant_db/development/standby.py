"""A standby of an embedded server, to try reads from one."""

import shutil
import subprocess

from multi_tenant_db.development.embedded_postgres import EmbeddedPostgres
from multi_tenant_db.development.embedded_postgres_error import EmbeddedPostgresError
from multi_tenant_db.server_label import DEFAULT_SERVER


def standby_label(server: str) -> str:
    """Return the label of the standby of a server."""
    return "standby" if server == DEFAULT_SERVER else f"{server}standby"


def start_standby(primary: EmbeddedPostgres, standby: EmbeddedPostgres) -> None:
    """Copy the primary's data and start the copy as its standby; an earlier standby is replaced.

    The primary is stopped for the copy: the data of a server that was stopped in order is a base backup. Both objects
    need a port. Raises EmbeddedPostgresError.
    """
    if not primary.pid:
        raise EmbeddedPostgresError("PostgreSQL is stopped: start it, then its standby")
    standby.stop()
    shutil.rmtree(standby.folder, ignore_errors=True)
    primary.stop()
    try:
        done = subprocess.run(
            [shutil.which("cp") or "cp", "-a", primary.folder, standby.folder],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        primary.start()
    if done.returncode:
        shutil.rmtree(standby.folder, ignore_errors=True)
        raise EmbeddedPostgresError(f"the data cannot be copied: {done.stderr.strip()}")
    source = f"host=127.0.0.1 port={primary.port} user=postgres password={primary.password}"
    with (standby.data / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"primary_conninfo = '{source}'\nhot_standby_feedback = on\n")
    (standby.data / "standby.signal").touch()
    standby.start()
