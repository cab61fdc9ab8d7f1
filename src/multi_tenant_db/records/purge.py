"""Deletes old events of the audit trail, and records that in the trail."""

import json
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import asyncpg

from multi_tenant_db.lint.expected import EVENTS

ALL_ORGANIZATIONS = UUID(int=0)
"""Organisation and tenant of the event that records a purge of all; only platform operators see it."""

BLOCKS = 512
"""Of the table, read in one transaction: 4 MiB."""
SIZE = f"SELECT pg_relation_size('{EVENTS}') / current_setting('block_size')::bigint"

RECORD = f"""
    INSERT INTO {EVENTS} (organization_id, tenant_id, event_type, old_values, database_role, table_name)
    VALUES ($1, $1, 'deleted', $2::jsonb, session_user, 'tenant_events')
    RETURNING event_id
"""
COUNT_MORE = f"""
    UPDATE {EVENTS} SET old_values = $2::jsonb
    WHERE organization_id = $1 AND tenant_id = $1 AND event_id = $3
"""


async def purge(
    connection: asyncpg.Connection,
    before: datetime,
    organization_id: UUID | None = None,
    progress: Callable[[int], None] = lambda _deleted: None,
) -> int:
    """Delete the events that are older, of one organisation or of all; return their number.

    It takes many short transactions. Each counts what it deletes in the one event of the purge, so that the trail is
    right wherever it is interrupted. Events that are added meanwhile are not older.
    """
    owner = organization_id or ALL_ORGANIZATIONS
    condition = "occurred_at < $1" if organization_id is None else f"occurred_at < $1 AND organization_id = '{owner}'"
    deleted, event_id = 0, None
    for first in range(0, await connection.fetchval(SIZE), BLOCKS):
        delete = f"DELETE FROM {EVENTS} WHERE {condition} AND ctid >= '({first},0)' AND ctid < '({first + BLOCKS},0)'"
        async with connection.transaction():
            status = await connection.execute(delete, before)
            if (step := int(status.rpartition(" ")[2])) == 0:
                continue
            deleted += step
            told = json.dumps({"before": before.isoformat(), "events": deleted})
            if event_id is None:
                event_id = await connection.fetchval(RECORD, owner, told)
            else:
                await connection.execute(COUNT_MORE, owner, told, event_id)
        progress(deleted)
    return deleted
