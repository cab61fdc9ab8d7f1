"""Whether an answer is right, before it is made the measure of all others like it."""

import json
from datetime import datetime
from typing import Any

from benchmarks.data.caller import Caller
from benchmarks.data.database import Database
from benchmarks.load.http import exchange
from benchmarks.load.shot import Shot
from benchmarks.load.wrong_answer import WrongAnswerError
from benchmarks.peers.dialect import Dialect

OK = 200


class Judge:
    """Compares what a peer answers with what is in the database, in every field."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._truth: dict[Any, list[dict[str, Any]]] = {}

    async def read_shot(self, dialect: Dialect, port: int, caller: Caller, member: int) -> Shot:
        """Ask for a subsidiary once; return the request with exactly the answer that proved right."""
        tenant_id = caller.subsidiaries[member]
        request = dialect.read(caller, tenant_id)
        body = _ask(port, request)
        expected = next(tenant for tenant in await self._tenants(caller) if tenant["tenant_id"] == tenant_id)
        _require([dialect.tenant_in(body)], [expected], request)
        return Shot(request, OK, body, exact=True)

    async def page_shot(self, dialect: Dialect, port: int, caller: Caller, limit: int, skip: int = 0) -> Shot:
        """Ask for a page once, the first or one that begins behind so many tenants; the same for it."""
        tenants = await self._tenants(caller)
        after = tenants[skip - 1]["tenant_id"] if skip else None
        request = dialect.page(caller, limit, after)
        body = _ask(port, request)
        items, more = dialect.page_in(body)
        _require(items, tenants[skip : skip + limit], request)
        if more is not (skip + limit < len(tenants)):
            raise WrongAnswerError(f"{request!r}: is there a next page? {more} is wrong")
        return Shot(request, OK, body, exact=True)

    async def _tenants(self, caller: Caller) -> list[dict[str, Any]]:
        if caller.tenant_id not in self._truth:
            self._truth[caller.tenant_id] = await self._database.tenants_of(caller.tenant_id)
        return self._truth[caller.tenant_id]


def _ask(port: int, request: bytes) -> bytes:
    status, body = exchange(port, request)
    if status != OK:
        raise WrongAnswerError(f"{request!r}: {status} {body[:500]!r}")
    return body


def _require(answered: list[dict[str, Any]], stored: list[dict[str, Any]], request: bytes) -> None:
    """Compare value by value; each peer may write times and ids in its own way."""
    expected = [tenant | {"metadata": json.loads(tenant["metadata"])} for tenant in stored]
    found = [_typed(tenant) for tenant in answered]
    wanted = [_typed(tenant) for tenant in expected]
    if found != wanted:
        raise WrongAnswerError(f"{request!r}: answered {found[:2]}, stored {wanted[:2]}")


def _typed(tenant: dict[str, Any]) -> dict[str, Any]:
    parent = tenant["parent_tenant_id"]
    times = {
        name: datetime.fromisoformat(value) if isinstance(value := tenant[name], str) else value
        for name in ("created_at", "updated_at")
    }
    ids = {"tenant_id": str(tenant["tenant_id"]), "parent_tenant_id": None if parent is None else str(parent)}
    return tenant | times | ids
