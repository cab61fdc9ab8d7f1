"""A hot standby of a test's own primary, by PostgreSQL's streaming replication."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multi_tenant_db.development import EmbeddedPostgres

SETTINGS = {"hot_standby_feedback": "on", "wal_receiver_status_interval": "100ms"}


@contextmanager
def primary_and_standby() -> Iterator[tuple[EmbeddedPostgres, EmbeddedPostgres]]:
    """Run both, the standby on a copy of the primary's data, and remove them at the end."""
    parent = Path(tempfile.mkdtemp(prefix="multi-tenant-db-standby-", dir="/var/tmp"))
    parent.chmod(0o755)
    primary = EmbeddedPostgres(parent / "primary", durable=False)
    primary.start()
    primary.stop()
    # A server that was stopped in order is a base backup as it lies there.
    subprocess.run(["cp", "-a", primary.folder, parent / "standby"], check=True)
    primary.start()
    source = f"host=127.0.0.1 port={primary.port} user=postgres password={primary.password}"
    (parent / "standby" / "data" / "standby.signal").touch()
    standby = EmbeddedPostgres(parent / "standby", durable=False, settings=SETTINGS | {"primary_conninfo": source})
    try:
        yield primary, standby.start()
    finally:
        standby.kill()
        primary.kill()
        shutil.rmtree(parent, ignore_errors=True)
