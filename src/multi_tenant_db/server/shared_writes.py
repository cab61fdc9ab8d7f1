"""Lets the workers know of each other's writes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from multi_tenant_db.database.write_times import WriteTimes
from multi_tenant_db.settings import Settings


@contextmanager
def shared_writes(settings: Settings) -> Iterator[None]:
    """Give the workers a file for the times of writes while the service runs; do nothing without standbys."""
    if not settings.read_database_url and not settings.read_servers:
        yield
        return
    with TemporaryDirectory(prefix="mtdb-writes-") as folder:
        path = Path(folder) / "write_times"
        WriteTimes.create(path)
        # The workers, possibly this process itself, read their settings later.
        os.environ["MTDB_WRITES_FILE"] = str(path)
        yield
