"""Verifies responses against the database, before they become the expected ones."""

import json
from datetime import datetime
from typing import Any

from benchmarks.data.caller import Caller
from benchmarks.data.database import Database
from benchmarks.load.checked_request import CheckedRequest
from benchmarks.load.http import exchange
from benchmarks.load.wrong_response import WrongResponseError
from benchmarks.peers.dialect import Dialect

OK = 200


class Judge:
    """Compares a peer's responses with the database, in every field."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._truth: dict[Any, list[dict[str, Any]]] = {}

    async def read_request(self, dialect: Dialect, port: int, caller: Caller, member: int) -> CheckedRequest:
        """Request a subsidiary once; return the request with the verified response."""
        tenant_id = caller.subsidiaries[member]
        request = dialect.read(caller, tenant_id)
        body = _send(port, request)
        expected = next(tenant for tenant in await self._tenants(caller) if tenant["tenant_id"] == tenant_id)
        _require([dialect.tenant_in(body)], [expected], request)
        return CheckedRequest(request, OK, body, exact=True)

    async def page_request(
        self, dialect: Dialect, port: int, caller: Caller, limit: int, skip: int = 0
    ) -> CheckedRequest:
        """Request a page once, after `skip` tenants; return the request with the verified response."""
        tenants = await self._tenants(caller)
        after = tenants[skip - 1]["tenant_id"] if skip else None
        request = dialect.page(caller, limit, after)
        body = _send(port, request)
        items, more = dialect.page_in(body)
        _require(items, tenants[skip : skip + limit], request)
        if more is not (skip + limit < len(tenants)):
            raise WrongResponseError(f"{request!r}: wrong indication of a next page: {more}")
        return CheckedRequest(request, OK, body, exact=True)

    async def _tenants(self, caller: Caller) -> list[dict[str, Any]]:
        if caller.tenant_id not in self._truth:
            self._truth[caller.tenant_id] = await self._database.tenants_of(caller.tenant_id)
        return self._truth[caller.tenant_id]


def _send(port: int, request: bytes) -> bytes:
    status, body = exchange(port, request)
    if status != OK:
        raise WrongResponseError(f"{request!r}: {status} {body[:500]!r}")
    return body


def _require(received: list[dict[str, Any]], stored: list[dict[str, Any]], request: bytes) -> None:
    """Compare the values; the formats of times and ids may differ."""
    expected = [tenant | {"metadata": json.loads(tenant["metadata"])} for tenant in stored]
    found = [_typed(tenant) for tenant in received]
    wanted = [_typed(tenant) for tenant in expected]
    if found != wanted:
        raise WrongResponseError(f"{request!r}: received {found[:2]}, stored {wanted[:2]}")


def _typed(tenant: dict[str, Any]) -> dict[str, Any]:
    parent = tenant["parent_tenant_id"]
    times = {
        name: datetime.fromisoformat(value) if isinstance(value := tenant[name], str) else value
        for name in ("created_at", "updated_at")
    }
    ids = {"tenant_id": str(tenant["tenant_id"]), "parent_tenant_id": None if parent is None else str(parent)}
    return tenant | times | ids
