"""Two servers with an organisation each, a queue, and worker processes."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import uuid4

import asyncpg
from procrastinate import App
from sqlalchemy import URL

from examples.nightly_statements.install import install_queue, install_table
from examples.nightly_statements.nightly_statements import NightlyStatements
from examples.nightly_statements.queue import create_queue
from multi_tenant_db.jobs.job_sessions import JobSessions
from tests.reliability.support.until import until
from tests.support.fresh_database import drop_database, fresh_database
from tests.support.mtdb import settings_for
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.sources import ROOT
from tests.support.test_database import TestDatabase

HEARTBEAT_SECONDS = "0.3"
STATEMENTS = "SELECT organization_id, tenant_id, day, changes FROM tenancy.statements ORDER BY 1, 2, 3"


@dataclass
class NightlyWorld:
    """The first organisation lives on the default server, the second on the server `b`."""

    databases: list[TestDatabase]
    organizations: list[Organization]
    queue_url: URL
    environment: dict[str, str]
    log: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker with a short heartbeat; its output goes to the log."""
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "examples.nightly_statements.worker", HEARTBEAT_SECONDS],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], **self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.workers.append(worker)
        return worker

    @asynccontextmanager
    async def queue(self) -> AsyncIterator[App]:
        """Open the queue, to defer jobs."""
        settings = self.databases[0].settings()
        url = self.queue_url.set(drivername="postgresql").render_as_string(hide_password=False)
        async with JobSessions(settings) as sessions:
            queue = create_queue(url, NightlyStatements(sessions))
            async with queue.open_async():
                yield queue

    async def statements(self, number: int) -> list[asyncpg.Record]:
        """Return the statements on a server."""
        return await self.fetch(number, STATEMENTS)

    async def fetch(self, number: int, query: str) -> list[asyncpg.Record]:
        """Query a server as an administrator."""
        admin = await self.databases[number].connect_as_admin()
        try:
            rows: list[asyncpg.Record] = await admin.fetch(query)
            return rows
        finally:
            await admin.close()

    async def until_written(self) -> None:
        """Wait until both organisations have a statement of each tenant."""

        async def is_written() -> bool:
            return [len(await self.statements(number)) for number in (0, 1)] == [3, 3]

        await until(is_written, "all statements were written", seconds=60)

    async def until_done(self) -> None:
        """Wait until no job waits or runs."""
        async with self.queue() as queue:

            async def is_done() -> bool:
                return not await self._open_jobs(queue)

            await until(is_done, "all jobs were done", seconds=60)

    async def _open_jobs(self, queue: App) -> int:
        jobs = await queue.job_manager.list_jobs_async()
        return sum(job.status in {"todo", "doing"} and job.task_name == "write_statements" for job in jobs)


def expected(organization: Organization, day: date) -> list[tuple[object, ...]]:
    """Return organisation, tenant and day of the statements that an organisation must have, in key order."""
    parent = organization.parent.tenant_id
    return [(parent, tenant_id, day) for tenant_id in sorted(party.tenant_id for party in organization.parties)]


@asynccontextmanager
async def nightly_world(server_url: URL, folder: Path) -> AsyncIterator[NightlyWorld]:
    """Make the databases and the queue; stop workers and drop everything at the end."""
    role, password = f"nightly_{uuid4().hex[:8]}", uuid4().hex
    queue_url = server_url.set(username=role, password=password, database=role)
    async with AsyncExitStack() as stack:
        databases = [await stack.enter_async_context(fresh_database(server_url)) for _ in range(2)]
        organizations = []
        for database in databases:
            await install_table(database.admin_url)
            operator = await database.connect_as_operator()
            organizations.append(await Registry(operator).create_organization("Nightly"))
            await operator.close()
        await install_queue(databases[0].admin_url, queue_url)
        further = {"MTDB_SERVERS__B": settings_for(databases[1])["MTDB_DATABASE_URL"]}
        environment = settings_for(databases[0], **further) | {
            "NIGHTLY_QUEUE_URL": queue_url.set(drivername="postgresql").render_as_string(hide_password=False)
        }
        world = NightlyWorld(databases, organizations, queue_url, environment, folder / "worker.log")
        try:
            yield world
        finally:
            for worker in world.workers:
                worker.send_signal(signal.SIGKILL)
                worker.wait()
            await drop_database(queue_url.set(username=server_url.username, password=server_url.password))
            admin = await databases[0].connect_as_admin()
            await admin.execute(f"DROP ROLE {role}")
            await admin.close()
