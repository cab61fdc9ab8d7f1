"""The API of `make up`, in the background, with hot reload."""

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from multi_tenant_db.development.folders import LOCAL, PROJECT
from multi_tenant_db.development.processes import command_of, wait_for_end

MTDB = Path(sys.executable).parent / "mtdb"
OK = 200


class LocalApi:
    """A process in its own session, which outlives `make up`; its id and its log are in .local."""

    log = LOCAL / "api.log"
    _id_file = LOCAL / "api.pid"

    @property
    def pid(self) -> int | None:
        """Process id of the running API, None when it is stopped; another program's process is ignored."""
        try:
            process_id = int(self._id_file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return process_id if str(MTDB) in (command_of(process_id) or "") else None

    def start(self, environment: dict[str, str]) -> None:
        """Start the API with a new log; it is not healthy yet."""
        with self.log.open("w") as log:
            process = subprocess.Popen(
                [MTDB, "serve", "--reload"],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._id_file.write_text(str(process.pid))
        # A process has no command line just after its start, and `pid` checks the command line.
        while not self.pid and process.poll() is None:
            time.sleep(0.01)

    def wait_until_healthy(self, port: int, seconds: float = 60, *, containers: bool = False) -> bool:
        """Wait for 200 from /health, with a dot per second, while it may succeed; return whether it did."""
        sys.stdout.write(f"API: waiting for /health on port {port} ")
        deadline = time.monotonic() + seconds
        dots = time.monotonic() + 1
        while (containers or self._may_become_healthy()) and time.monotonic() < deadline:
            if is_healthy(port):
                print("healthy")
                return True
            if time.monotonic() > dots:
                sys.stdout.write(".")
                dots += 1
            sys.stdout.flush()
            time.sleep(0.1)
        print("failed")
        return False

    def _may_become_healthy(self) -> bool:
        """Return whether it may become healthy; after a failure the reloader runs on until a file changes."""
        return self.pid is not None and "Traceback (most recent call last)" not in self.log.read_text()

    def stop(self) -> None:
        """Stop the API and its reloader; kill them after ten seconds."""
        if process_id := self.pid:
            os.killpg(process_id, signal.SIGTERM)
            if not wait_for_end(process_id, 10):
                os.killpg(process_id, signal.SIGKILL)
                wait_for_end(process_id, 10)
        self._id_file.unlink(missing_ok=True)


def is_healthy(port: int) -> bool:
    """Return whether /health of this machine responds with 200, without a proxy."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
