"""The query of the nightly job. It does not filter by organisation: the policies do."""

from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

WRITE = text("""
    WITH written AS (
        INSERT INTO tenancy.statements (organization_id, tenant_id, day, changes)
        SELECT tenant.organization_id, tenant.tenant_id, :day, count(event.tenant_id)
        FROM tenancy.tenants AS tenant
        LEFT JOIN tenancy.tenant_events AS event
            ON event.organization_id = tenant.organization_id
            AND event.tenant_id = tenant.tenant_id
            AND event.occurred_at >= CAST(:day AS date) AT TIME ZONE 'UTC'
            AND event.occurred_at < (CAST(:day AS date) + 1) AT TIME ZONE 'UTC'
        GROUP BY tenant.organization_id, tenant.tenant_id
        ON CONFLICT (organization_id, tenant_id, day) DO NOTHING
        RETURNING tenant_id
    )
    SELECT count(*) FROM written
""")


class StatementRepository:
    """Writes statements within the caller's reach, in the caller's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def write(self, day: date) -> int:
        """Write the missing statements of the day; return how many. Statements that exist stay as they are."""
        return int(await self._session.scalar(WRITE, {"day": day}))
