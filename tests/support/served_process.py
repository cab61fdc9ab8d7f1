"""The service as an operator runs it: `mtdb serve`, a process of its own."""

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from multi_tenant_db.development.ports import free_port
from tests.support.test_database import API_PASSWORD, TestDatabase

START_SECONDS = 90
"""On a busy machine."""


@dataclass(frozen=True)
class ServedProcess:
    """A running service."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}"

    def log_text(self) -> str:
        """Return what it has logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def log_until(self, request_id: str | None) -> str:
        """Return the log as soon as it holds this request's line, which is written once the answer has left."""
        deadline = time.monotonic() + 5
        while f'"{request_id}"' not in self.log_text() and time.monotonic() < deadline:
            time.sleep(0.005)
        return self.log_text()


@contextmanager
def served(database: TestDatabase, *, folder: Path | None = None, **settings: object) -> Iterator[ServedProcess]:
    """Run the service on a database until the end; settings are named as in Settings; a given folder keeps its log."""
    url = database.admin_url
    chosen: dict[str, object] = {
        "database_url": f"postgresql://{url.host}:{url.port}/{url.database}",
        "api_password": API_PASSWORD,
        "port": free_port(),
        "log_level": "warning",
    } | settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MTDB_")}
    environment |= {f"MTDB_{name.upper()}": str(value) for name, value in chosen.items()}
    program = Path(sys.executable).parent / "mtdb"
    # In a folder of its own, so that no development.env speaks up.
    with nullcontext(folder) if folder else tempfile.TemporaryDirectory() as place:
        service = ServedProcess(int(str(chosen["port"])), Path(place) / "service.log")
        with service.log.open("wb") as log:
            process = subprocess.Popen(
                [program, "serve"], cwd=place, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            _wait_until_healthy(service, process)
            yield service
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_healthy(service: ServedProcess, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=5)
        with closing(connection), suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/health")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        time.sleep(0.05)
    raise AssertionError(f"the service did not start:\n{service.log_text()}")
