"""The service's endpoints, which two of the peers share."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import UUID

from benchmarks.data.caller import Caller
from benchmarks.load.http import compose
from benchmarks.peers.dialect import Dialect
from multi_tenant_db.models.page_cursor import PageCursor

METADATA = {"country": "CH", "bic": "BANKCHZZXXX", "currency": "CHF", "business_unit": "Custody"}


class RestDialect(Dialect):
    """`headers` identify the caller."""

    created = 201
    deleted = 204

    def __init__(self, headers: Callable[[Caller], dict[str, str]], cursor: Callable[[Caller, UUID], str]) -> None:
        self._headers = headers
        self._cursor = cursor

    def read(self, caller: Caller, tenant_id: UUID) -> bytes:
        """GET."""
        return compose("GET", f"/tenants/{tenant_id}", self._headers(caller))

    def page(self, caller: Caller, limit: int, after: UUID | None = None) -> bytes:
        """GET with a limit."""
        cursor = f"&cursor={quote(self._cursor(caller, after))}" if after else ""
        return compose("GET", f"/tenants?limit={limit}{cursor}", self._headers(caller))

    def create(self, caller: Caller, name: str) -> bytes:
        """POST."""
        parent = {"tenant_type": "subsidiary", "parent_tenant_id": str(caller.tenant_id)}
        return compose("POST", "/tenants", self._headers(caller), {"name": name, **parent, "metadata": METADATA})

    def replace(self, caller: Caller, tenant_id: UUID, name: str) -> bytes:
        """PUT."""
        body = {"name": name, "metadata": METADATA}
        return compose("PUT", f"/tenants/{tenant_id}", self._headers(caller), body)

    def delete(self, caller: Caller, tenant_id: UUID) -> bytes:
        """DELETE."""
        return compose("DELETE", f"/tenants/{tenant_id}", self._headers(caller))

    def deleted_text(self, tenant_id: UUID) -> bytes:  # noqa: ARG002 - the status is sufficient
        """Nothing."""
        return b""

    def tenant_in(self, body: bytes) -> dict[str, Any]:
        """The response is the tenant."""
        tenant: dict[str, Any] = json.loads(body)
        return tenant

    def page_in(self, body: bytes) -> tuple[list[dict[str, Any]], bool]:
        """Items, and a cursor where more follow."""
        page = json.loads(body)
        return page["items"], page["next_cursor"] is not None


def service_dialect() -> Dialect:
    """Return the dialect of the service, which authenticates a token."""
    return RestDialect(
        lambda caller: {"Authorization": f"Bearer {caller.token}"},
        lambda caller, after: PageCursor(caller.tenant_id, after).encode(),
    )


def plain_dialect() -> Dialect:
    """Return the dialect of the peers, which trust a header."""
    return RestDialect(lambda caller: {"X-Tenant-Id": str(caller.tenant_id)}, lambda _, after: str(after))
