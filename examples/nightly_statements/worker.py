"""Runs the jobs until SIGTERM: `python -m examples.nightly_statements.worker`.

Its environment has MTDB_DATABASE_URL, MTDB_API_PASSWORD, MTDB_OPERATOR_PASSWORD, MTDB_SERVERS__... for further
servers, and NIGHTLY_QUEUE_URL.
"""

import asyncio
import logging
import os
import sys

from examples.nightly_statements.nightly_statements import NightlyStatements
from examples.nightly_statements.queue import create_queue
from multi_tenant_db.jobs.job_sessions import JobSessions
from multi_tenant_db.settings import Settings

HEARTBEAT_SECONDS = 10.0
MISSED_HEARTBEATS = 3
CONCURRENT_JOBS = 4


async def work(queue_url: str, heartbeat_seconds: float) -> None:
    """Run jobs; a worker is taken for dead after three missed heartbeats."""
    stalled_seconds = MISSED_HEARTBEATS * heartbeat_seconds
    async with JobSessions(Settings()) as sessions:
        queue = create_queue(queue_url, NightlyStatements(sessions), stalled_seconds=stalled_seconds)
        async with queue.open_async():
            await queue.run_worker_async(
                concurrency=CONCURRENT_JOBS,
                update_heartbeat_interval=heartbeat_seconds,
                stalled_worker_timeout=stalled_seconds,
            )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    heartbeat = float(sys.argv[1]) if len(sys.argv) > 1 else HEARTBEAT_SECONDS
    asyncio.run(work(os.environ["NIGHTLY_QUEUE_URL"], heartbeat))
