"""The service as operators run it: a process of its own, behind a port."""

import asyncio
import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from multi_tenant_db.development.ports import free_port
from tests.support.test_database import API_PASSWORD, TestDatabase

MTDB = Path(sys.executable).with_name("mtdb")
STARTUP_SECONDS = 30
SHUTDOWN_SECONDS = 15


class RunningService:
    """`mtdb serve` in an empty folder, so that no settings but the given ones reach it; entered, it is healthy.

    Standard output and error go to one file, which is complete once the service has been left.
    """

    def __init__(self, database: TestDatabase, folder: Path, **settings: str) -> None:
        self._log = folder / "service.log"
        self._folder = folder
        url, port = database.admin_url, free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("MTDB_")}
        self._environment |= {
            "MTDB_DATABASE_URL": f"postgresql://{url.host}:{url.port}/{url.database}",
            "MTDB_API_PASSWORD": API_PASSWORD,
            "MTDB_PORT": str(port),
        }
        self._environment |= {f"MTDB_{name.upper()}": value for name, value in settings.items()}

    async def __aenter__(self) -> Self:
        """Start the process and wait until it is healthy."""
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                MTDB, "serve", cwd=self._folder, env=self._environment, stdout=log, stderr=asyncio.subprocess.STDOUT
            )
        try:
            async with asyncio.timeout(STARTUP_SECONDS), httpx.AsyncClient(base_url=self.url) as client:
                while not await self._is_healthy(client):  # noqa: ASYNC110 - another process sets no event
                    await asyncio.sleep(0.05)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask the process to end, and wait for it; should the test have failed, add what the service last wrote."""
        await self._stop()
        if error is not None:
            error.add_note(f"The service's log ends so:\n{self.log_text[-4000:]}")

    @property
    def log_text(self) -> str:
        """Everything that the process has written."""
        return self._log.read_text()

    @property
    def log_lines(self) -> list[dict[str, Any]]:
        """The log as the JSON objects that it must consist of."""
        return [json.loads(line) for line in self.log_text.splitlines()]

    async def _is_healthy(self, client: httpx.AsyncClient) -> bool:
        assert self._process.returncode is None, f"the service ended before it was healthy:\n{self.log_text}"
        try:
            return (await client.get("/health")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def _stop(self) -> None:
        if self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise
