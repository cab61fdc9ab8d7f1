"""The two steps of the night: list the organisations, then write the statements of each."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import UUID

from examples.nightly_statements.statement_repository import StatementRepository
from multi_tenant_db.errors import TenantNotFound
from multi_tenant_db.jobs.job_sessions import JobSessions
from multi_tenant_db.models.page_cursor import PageCursor
from multi_tenant_db.models.tenant_type import TenantType
from multi_tenant_db.repositories.tenant_repository import TenantRepository

LABEL = "nightly statements"
"""In the audit trail, and in `mtdb token list`."""

TOKEN_LIFETIME = timedelta(minutes=5)
PAGE = 1000


class NightlyStatements:
    """Each step issues its own token and revokes it; no token is in the queue."""

    def __init__(self, sessions: JobSessions) -> None:
        self._sessions = sessions

    @property
    def servers(self) -> tuple[str, ...]:
        """The labels of all servers."""
        return self._sessions.servers

    async def organizations(self, server: str) -> AsyncIterator[UUID]:
        """Yield the ids of the organisations on a server, a page in each transaction."""
        after: PageCursor | None = None
        while True:
            async with self._sessions.platform(server, LABEL, lifetime=TOKEN_LIFETIME) as session:
                page = await TenantRepository(session).list_page(limit=PAGE, after=after, tenant_type=TenantType.PARENT)
            for parent in page:
                yield parent.organization_id
            if len(page) < PAGE:
                return
            after = PageCursor(page[-1].organization_id, page[-1].tenant_id)

    async def write(self, server: str, organization_id: UUID, day: date, job: str) -> int:
        """Write an organisation's statements; return how many were missing.

        An organisation that has moved since it was listed is looked for on the other servers. Raises TenantNotFound
        when none has it: it was deleted.
        """
        for label in (server, *(other for other in self.servers if other != server)):
            try:
                async with self._sessions.organization(
                    label, organization_id, LABEL, request_id=job, lifetime=TOKEN_LIFETIME
                ) as session:
                    return await StatementRepository(session).write(day)
            except TenantNotFound:
                continue
        raise TenantNotFound
