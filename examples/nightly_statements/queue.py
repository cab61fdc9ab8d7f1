"""The queue's tasks. Their arguments are a server's label, an organisation's id and a day: no token, no name."""

import logging
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy

from examples.nightly_statements.nightly_statements import NightlyStatements
from multi_tenant_db.errors import TenantNotFound

TWO_O_CLOCK, EVERY_MINUTE = "0 2 * * *", "* * * * *"
SOME_TIMES = RetryStrategy(max_attempts=8, exponential_wait=3)
"""The last attempt is three hours after the first."""

log = logging.getLogger(__name__)


def create_queue(url: str, statements: NightlyStatements, *, stalled_seconds: float = 30) -> App:
    """Create the queue with its tasks; a worker without a heartbeat for `stalled_seconds` is taken for dead."""
    queue = App(connector=PsycopgConnector(conninfo=url))

    @queue.periodic(cron=TWO_O_CLOCK)
    @queue.task(name="list_organizations", queueing_lock="list_organizations", retry=SOME_TIMES)
    async def list_organizations(timestamp: int) -> None:
        """Defer a job for each organisation of each server, about the day before; an organisation's jobs take turns."""
        day = datetime.fromtimestamp(timestamp, UTC).date() - timedelta(days=1)
        for server in statements.servers:
            async for organization_id in statements.organizations(server):
                job = write_statements.configure(lock=str(organization_id))
                await job.defer_async(server=server, organization_id=str(organization_id), day=str(day))

    @queue.task(name="write_statements", pass_context=True, retry=SOME_TIMES)
    async def write_statements(context: JobContext, server: str, organization_id: str, day: str) -> None:
        """Write one organisation's statements. A repetition writes what is missing, and nothing twice."""
        job = f"nightly-statements-{context.job.id}"
        try:
            written = await statements.write(server, UUID(organization_id), date.fromisoformat(day), job)
        except TenantNotFound:
            log.info("organisation %s was deleted", organization_id)
        else:
            log.info("organisation %s: %s statements", organization_id, written)

    @queue.periodic(cron=EVERY_MINUTE)
    @queue.task(name="repeat_stalled", queueing_lock="repeat_stalled")
    async def repeat_stalled(timestamp: int) -> None:  # noqa: ARG001 - the periodic task passes it
        """Repeat the jobs of workers that were killed."""
        for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_seconds):
            await queue.job_manager.retry_job(job)

    return queue
