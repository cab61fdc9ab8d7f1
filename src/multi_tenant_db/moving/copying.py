"""Copies what must not be valid on the target before the switch, or has no organisation to filter by.

Access tokens are held back there (`revoked_at = 'infinity'`): a token that was issued by the target is asked for there
first, and must not reach a copy. Idempotency keys name their tenant only. Both are copied in two helpings: all of them
while the source is in use, and in the pause those since then.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from multi_tenant_db.lint.expected import REQUESTS, TENANTS, TOKENS
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.organization_move import OrganizationMove

BATCH = 1_000
LONGEST_TRANSACTION = timedelta(minutes=1)
"""Rows are stamped when their transaction begins; the service's last 15 s. What is missed, the comparison finds."""
KEYS_ARE_KEPT = timedelta(hours=24)

TOKEN_COLUMNS = (
    *("token_hash", "token_id", "role", "organization_id", "tenant_id"),
    *("label", "created_at", "expires_at", "may_write", "operator_token_id", "operator_label", "revoked_at"),
)
KEY_COLUMNS = ("tenant_id", "idempotency_key", "request_hash", "answer", "created_at")

TOKENS_SINCE = f"""
    SELECT {", ".join(TOKEN_COLUMNS)} FROM {TOKENS}
    WHERE organization_id = $1
      AND (
          created_at >= $2
          OR revoked_at >= $2
          OR operator_token_id IS NOT NULL
          OR (tenant_id, label) IN (
              SELECT tenant_id, label FROM {TOKENS} WHERE organization_id = $1 AND created_at >= $2
          )
      )
"""
"""Rotating a token brings forward the end of one of the same tenant and label, or of an operator's view tokens."""
HOLD_BACK = f"""
    INSERT INTO {TOKENS} ({", ".join(TOKEN_COLUMNS)})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12::timestamptz, 'infinity'))
    ON CONFLICT (token_hash) DO UPDATE SET revoked_at = EXCLUDED.revoked_at, expires_at = EXCLUDED.expires_at
"""
DROP_ORPHANS = f"""
    DELETE FROM {TOKENS} AS token
    WHERE token.organization_id = $1
      AND NOT EXISTS (
          SELECT FROM {TENANTS} AS tenant
          WHERE tenant.organization_id = token.organization_id AND tenant.tenant_id = token.tenant_id
      )
"""
"""Tokens that went with their tenant since they were copied."""

KEYS_SINCE = f"""
    SELECT {", ".join(KEY_COLUMNS)} FROM {REQUESTS}
    WHERE tenant_id IN (SELECT tenant_id FROM {TENANTS} WHERE organization_id = $1) AND created_at >= $2
"""
STORE_KEY = f"""
    INSERT INTO {REQUESTS} ({", ".join(KEY_COLUMNS)})
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant_id, idempotency_key) DO UPDATE
    SET request_hash = EXCLUDED.request_hash, answer = EXCLUDED.answer, created_at = EXCLUDED.created_at
"""

LIVE_TOKENS = f"""
    SELECT count(*), coalesce(sum(hashtextextended(ROW({", ".join(TOKEN_COLUMNS[:-1])})::text, 0)), 0)::text
    FROM {TOKENS}
    WHERE organization_id = $1 AND expires_at > $2 AND revoked_at IS NOT DISTINCT FROM
"""
KEYS = f"""
    SELECT count(*), coalesce(sum(hashtextextended(ROW({", ".join(KEY_COLUMNS)})::text, 0)), 0)::text
    FROM {REQUESTS}
    WHERE tenant_id IN (SELECT tenant_id FROM {TENANTS} WHERE organization_id = $1) AND created_at >= $2
"""

BEGINNING = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


async def copy_tokens_and_keys(move: OrganizationMove, since: datetime = BEGINNING) -> datetime:
    """Copy those since the last time; return since when to copy the next time."""
    now: datetime = await move.source.fetchval("SELECT clock_timestamp()")
    for query, store in ((TOKENS_SINCE, HOLD_BACK), (KEYS_SINCE, STORE_KEY)):
        async with move.source.transaction():
            cursor = await move.source.cursor(query, move.organization_id, since)
            while rows := await cursor.fetch(BATCH):
                await _store(move.target, store, [tuple(row) for row in rows])
    async with move.target.transaction():
        # The tenants may arrive later than their tokens; all references are checked at the switch.
        await move.target.execute(DROP_ORPHANS, move.organization_id)
    return now - LONGEST_TRANSACTION


async def _store(target: asyncpg.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    async with target.transaction():
        await target.execute("SET LOCAL session_replication_role = replica")
        await target.executemany(statement, rows)


async def compare_tokens_and_keys(move: OrganizationMove, since: datetime = BEGINNING) -> None:
    """Compare the tokens that are valid, and the keys since then, but for expired ones.

    Raises MoveError if the target does not have what the source has.
    """
    now: datetime = await move.source.fetchval("SELECT clock_timestamp()")
    since = max(since, now - KEYS_ARE_KEPT)
    tokens = (
        await move.source.fetchrow(f"{LIVE_TOKENS} NULL", move.organization_id, now),
        await move.target.fetchrow(f"{LIVE_TOKENS} 'infinity'", move.organization_id, now),
    )
    keys = [await connection.fetchrow(KEYS, move.organization_id, since) for connection in (move.source, move.target)]
    differing = [name for name, (ours, theirs) in ((TOKENS, tokens), (REQUESTS, keys)) if ours != theirs]
    if differing:
        raise MoveError(f"the copy on {move.target_label} is not the same: {', '.join(differing)}")
