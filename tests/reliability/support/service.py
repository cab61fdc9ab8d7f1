"""`mtdb serve` as a process that can be signalled, watched and outlived."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Self

from multi_tenant_db.development.ports import free_port
from multi_tenant_db.development.processes import children_of, command_of
from tests.support.test_database import API_PASSWORD, TestDatabase
from tests.support.wire_channel import WireChannel

LEFT_OUT = ("MTDB_", "PYTHONDONTWRITEBYTECODE")
"""What an operator would not set: the settings of other processes, and a start that compiles everything anew."""

SECONDS_TO_START = 60
SECONDS_TO_END = 60


class Service:
    """The command, its worker processes, and what they wrote."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.port = port
        self._process = process
        self._log = log

    @classmethod
    def start(cls, database: TestDatabase, folder: Path, **settings: object) -> Self:
        """Start it in a folder, without waiting; settings are named as in Settings."""
        url = database.admin_url
        port = free_port()
        chosen: dict[str, object] = {
            "database_url": f"postgresql://{url.host}:{url.port}/{url.database}",
            "api_password": API_PASSWORD,
            "port": port,
            "log_level": "warning",
        } | settings
        environment = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
        environment |= {f"MTDB_{name.upper()}": str(value) for name, value in chosen.items()}
        log = folder / "service.log"
        with log.open("wb") as output:
            command: list[str | Path] = [Path(sys.executable).parent / "mtdb", "serve"]
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
        return cls(process, port, log)

    @property
    def log(self) -> str:
        """Everything it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def workers(self) -> list[int]:
        """The processes that answer requests: its children, or itself when it has none."""
        mine = children_of(self._process.pid)
        return sorted(child for child in mine if "spawn_main" in (command_of(child) or "")) or [self._process.pid]

    @property
    def is_running(self) -> bool:
        """Whether the command still runs."""
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the command."""
        self._process.send_signal(number)

    async def exit_code(self) -> int:
        """Wait for the end."""
        return await asyncio.to_thread(self._process.wait, SECONDS_TO_END)

    async def wait_until_healthy(self) -> None:
        """Return as soon as it says so."""
        deadline = monotonic() + SECONDS_TO_START
        while self.is_running and monotonic() < deadline:
            line = WireChannel(self.port)
            with suppress(OSError):  # a TimeoutError is one
                async with asyncio.timeout(5):
                    if (await line.ask("GET", "/health")).status == 200:
                        return
            await line.close()
            await asyncio.sleep(0.05)
        raise AssertionError(f"the service does not become healthy:\n{self.log}")

    def resident_bytes(self) -> int:
        """Return the resident memory of the command and all its children; what they share counts for each."""
        everybody = [self._process.pid, *children_of(self._process.pid)]
        shown = subprocess.run(
            ["ps", "-o", "rss=", "-p", ",".join(map(str, everybody))], capture_output=True, text=True, check=True
        )
        return sum(int(line) for line in shown.stdout.split()) * 1024

    async def end(self) -> None:
        """End it, in order if it can."""
        if self.is_running:
            self._process.terminate()
        try:
            await self.exit_code()
        except subprocess.TimeoutExpired:
            for process_id in (*children_of(self._process.pid), self._process.pid):
                os.kill(process_id, signal.SIGKILL)
            self._process.wait()


@asynccontextmanager
async def serving(database: TestDatabase, *, healthy: bool = True, **settings: object) -> AsyncIterator[Service]:
    """Run a service until the end; with `healthy`, wait until it is."""
    # In a folder of its own, so that no development.env speaks up.
    with tempfile.TemporaryDirectory() as folder:
        service = Service.start(database, Path(folder), **settings)
        try:
            if healthy:
                await service.wait_until_healthy()
            yield service
        finally:
            await service.end()
