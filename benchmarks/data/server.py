"""The PostgreSQL server of a run: embedded, durable as in production, removed at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from benchmarks.running_process import cpu_seconds_of
from multi_tenant_db.development.embedded_postgres import DURABLE, EmbeddedPostgres

SETTINGS = {
    "max_connections": "300",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",  # so that no checkpoint distorts a single measurement
    "checkpoint_timeout": "1h",
    "autovacuum": "off",  # the benchmark vacuums between the rounds
}


class Server:
    """Address and CPU time of the server."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self._process = psutil.Process(postgres.pid)

    def url(self, database: str = "postgres", user: str = "", password: str = "") -> str:
        """Return the URL of a database, for the superuser or another role."""
        if not user:
            return self._postgres.url(database)
        return f"postgresql://{user}:{password}@127.0.0.1:{self._postgres.port}/{database}"

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all its processes so far."""
        return cpu_seconds_of(self._process)


@contextmanager
def running_server() -> Iterator[Server]:
    """Run the server and remove it at the end."""
    with EmbeddedPostgres.temporary(settings=DURABLE | SETTINGS) as postgres:
        yield Server(postgres)
