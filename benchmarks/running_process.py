"""A server under test in its own process."""

import http.client
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

SECONDS_TO_START = 60
REMOVED_PREFIXES = ("MTDB_", "PYTHONDONTWRITEBYTECODE")
"""Removed from the environment: settings of other processes, and what would disable compiled files."""


class RunningProcess:
    """Context manager of a running server; ends it and its children. Its output is shown if it does not start."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str], port: int, path: str) -> None:
        self.port = port
        self._command = command
        self._path = path
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith(REMOVED_PREFIXES)}
        self._environment |= environment
        self.seconds_to_start = 0.0

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()  # an empty folder, without a development.env
        self._log = Path(self._folder.name) / "log"
        begin = time.perf_counter()
        with self._log.open("wb") as log:
            self._process = psutil.Popen(
                self._command, cwd=self._folder.name, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait_for_response()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self.seconds_to_start = time.perf_counter() - begin
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        processes = self._tree()
        with suppress(psutil.NoSuchProcess):
            self._process.terminate()
        _, alive = psutil.wait_procs(processes, timeout=20)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        self._folder.cleanup()

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all its processes so far."""
        return cpu_seconds_of(self._process)

    @property
    def resident_mebibytes(self) -> float:
        """Memory of its largest process, which is a worker."""
        return float(max(process.memory_info().rss for process in self._tree())) / (1 << 20)

    def _tree(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return [self._process, *self._process.children(recursive=True)]
        return [self._process]  # it has ended

    def _wait_for_response(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline and self._process.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            with closing(connection), suppress(OSError, http.client.HTTPException):
                connection.request("GET", self._path)
                if connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                    return
            time.sleep(0.01)
        raise RuntimeError(f"{' '.join(map(str, self._command))} does not respond:\n{self._log.read_text()}")


def cpu_seconds_of(parent: psutil.Process) -> float:
    """Return the CPU time of a process and its descendants, including ended ones."""
    times = parent.cpu_times()
    total = float(times.user + times.system + times.children_user + times.children_system)
    for child in parent.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            own = child.cpu_times()
            total += own.user + own.system
    return total
