"""A server that is killed and frozen."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multi_tenant_db.development import EmbeddedPostgres


@contextmanager
def durable_server() -> Iterator[EmbeddedPostgres]:
    """Run a server of our own with every safety of its durability on, and remove it at the end."""
    parent = Path(tempfile.mkdtemp(prefix="multi-tenant-db-faults-"))
    parent.chmod(0o755)
    server = EmbeddedPostgres(parent / "server")
    try:
        yield server.start()
    finally:
        server.kill()
        shutil.rmtree(parent, ignore_errors=True)
