"""Has a worker begin the night now, about the day before: `python -m examples.nightly_statements.run_now`.

Its environment is the worker's.
"""

import asyncio
import os
from datetime import UTC, datetime

from procrastinate import App

from examples.nightly_statements.nightly_statements import NightlyStatements
from examples.nightly_statements.queue import create_queue
from multi_tenant_db.jobs.job_sessions import JobSessions
from multi_tenant_db.settings import Settings


async def begin_the_night(queue: App, now: datetime) -> None:
    """Defer the task that a worker begins at two o'clock."""
    await queue.configure_task("list_organizations").defer_async(timestamp=int(now.timestamp()))


async def _main() -> None:
    queue = create_queue(os.environ["NIGHTLY_QUEUE_URL"], NightlyStatements(JobSessions(Settings())))
    async with queue.open_async():
        await begin_the_night(queue, datetime.now(UTC))


if __name__ == "__main__":
    asyncio.run(_main())
