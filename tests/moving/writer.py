"""A client that goes on writing while its organisation may move, and knows what was acknowledged."""

import asyncio
import time
from collections import Counter
from typing import Any
from uuid import uuid4

import httpx

from tests.support.organization import Organization


class Writer:
    """Creates subsidiaries, with and without an Idempotency-Key, renames each, and reads it; repeats what is 503."""

    def __init__(self, client: httpx.AsyncClient, organization: Organization) -> None:
        self.statuses: Counter[int] = Counter()
        self.refused_at: list[float] = []
        self.was_refused = asyncio.Event()
        self.stored: dict[str, dict[str, Any]] = {}
        """The answer to the last write that was acknowledged, by tenant id."""
        self.keys: dict[str, tuple[dict[str, Any], str]] = {}
        """Body and created id, by Idempotency-Key."""
        self.writes = 0
        self._has_written = asyncio.Event()
        self._client = client
        self._parent = organization.parent
        self._is_stopped = False

    def stop(self) -> None:
        """End after the tenant at hand."""
        self._is_stopped = True

    async def writes_once_more(self) -> None:
        """Return when a tenant was created and renamed, after this was called or just before."""
        self._has_written.clear()
        await self._has_written.wait()

    async def run(self) -> None:
        """Write until stopped. Raises AssertionError on any answer but success and a temporary refusal."""
        while not self._is_stopped:
            await self._create_and_rename()

    async def _create_and_rename(self) -> None:
        name = f"{self._parent.name} {uuid4()}"
        body = {"name": name, "tenant_type": "subsidiary", "parent_tenant_id": str(self._parent.tenant_id)}
        key = str(uuid4()) if len(self.stored) % 2 else None
        created = await self._send("POST", "/tenants", body, {"Idempotency-Key": key} if key else {})
        tenant_id = created["tenant_id"]
        assert tenant_id not in self.stored
        self.stored[tenant_id] = created
        if key:
            self.keys[key] = body, tenant_id
        renamed = await self._send("PUT", f"/tenants/{tenant_id}", {"name": f"{name}, renamed", "metadata": {}}, {})
        self.stored[tenant_id] = renamed
        self.writes += 2
        assert await self._send("GET", f"/tenants/{tenant_id}", None, {}) == renamed
        self._has_written.set()

    async def _send(self, method: str, path: str, body: object, headers: dict[str, str]) -> dict[str, Any]:
        """Send until it succeeds."""
        while True:
            answer = await self._client.request(method, path, json=body, headers={**self._parent.headers, **headers})
            self.statuses[answer.status_code] += 1
            if answer.is_success:
                content: dict[str, Any] = answer.json()
                return content
            assert answer.status_code == 503, answer.text
            assert "retry-after" in answer.headers
            self.refused_at.append(time.monotonic())
            self.was_refused.set()
            await asyncio.sleep(0.01)  # sooner than it says, to see when the pause ends
