"""The queries on requests that carry an Idempotency-Key."""

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from multi_tenant_db.database.failures import sqlstate
from multi_tenant_db.errors import IdempotencyKeyReused, RequestInProgress

LOCK_NOT_AVAILABLE = "55P03"

BEGIN = text("SELECT is_new, is_same, answer FROM tenancy.begin_request(:key, :request_hash)")
FINISH = text("SELECT tenancy.finish_request(:key, CAST(:answer AS jsonb))")


class RequestRepository:
    """Remembers the caller's organisation's requests for 24 hours, in the transaction that carries them out."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def claim(self, key: str, request_hash: bytes) -> dict[str, Any] | None:
        """Claim the key for this request, or return the answer that the same request was given before.

        Waits for a transaction that holds the key. Raises RequestInProgress when that takes longer than the role's
        lock_timeout, IdempotencyKeyReused when the key stands for another request.
        """
        try:
            row = (await self._session.execute(BEGIN, {"key": key, "request_hash": request_hash})).one()
        except DBAPIError as failure:
            if sqlstate(failure) != LOCK_NOT_AVAILABLE:
                raise
            raise RequestInProgress(headers={"Retry-After": "1"}) from failure
        if not row.is_same:
            raise IdempotencyKeyReused
        answer: dict[str, Any] | None = None if row.is_new else row.answer
        return answer

    async def finish(self, key: str, answer: dict[str, Any]) -> None:
        """Remember the answer; it counts from the commit on."""
        await self._session.execute(FINISH, {"key": key, "answer": json.dumps(answer)})
