"""The queries on requests that carry an Idempotency-Key."""

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from multi_tenant_db.database.compiled_statement import CompiledStatement
from multi_tenant_db.database.failures import sqlstate
from multi_tenant_db.database.session import Session
from multi_tenant_db.errors import IdempotencyKeyReused, RequestInProgress

LOCK_NOT_AVAILABLE = "55P03"

BEGIN = CompiledStatement(text("SELECT is_new, is_same, answer FROM tenancy.begin_request(:key, :request_hash)"), tuple)
FINISH = CompiledStatement(text("SELECT tenancy.finish_request(:key, CAST(:response AS jsonb))"), tuple)


class RequestRepository:
    """Stores the caller's idempotency keys for 24 hours, in the transaction of the request."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def claim(self, key: str, request_hash: bytes) -> dict[str, Any] | None:
        """Claim the key for this request, or return the stored response of the same request.

        Waits for a transaction that holds the key. Locks the key's row also when it only reads the response, so that
        its commit, too, waits for a synchronous standby. Raises RequestInProgress when the wait for the key takes
        longer than the role's lock_timeout, IdempotencyKeyReused when the key belongs to another request.
        """
        try:
            [(is_new, is_same, response)] = await self._session.fetch(BEGIN, key=key, request_hash=request_hash)
        except DBAPIError as failure:
            if sqlstate(failure) != LOCK_NOT_AVAILABLE:
                raise
            raise RequestInProgress from failure
        if not is_same:
            raise IdempotencyKeyReused
        return None if is_new else response

    async def finish(self, key: str, response: dict[str, Any]) -> None:
        """Store the response, which takes effect with the commit."""
        await self._session.fetch(FINISH, key=key, response=json.dumps(response))
