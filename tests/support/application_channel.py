"""A channel into the application in this process, whose requests can be cancelled at any await."""

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI

from tests.support.wire_answer import WireAnswer


class ApplicationChannel:
    """Calls the application as a server would; abandoning cancels its task, wherever that happens to wait."""

    abandoned = "cancelled"

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def ask(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes | None) -> WireAnswer:
        """Send a request and wait for its answer."""
        path, _, query = target.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in [("host", "service"), *headers]],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body or b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        start, *parts = sent
        answered = tuple((name.decode(), value.decode()) for name, value in start["headers"])
        return WireAnswer(start["status"], answered, b"".join(part.get("body", b"") for part in parts))

    async def abandon(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes | None, after: float
    ) -> None:
        """Start a request, and cancel it after so many seconds."""
        task = asyncio.create_task(self.ask(method, target, headers, body))
        await asyncio.sleep(after)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def close(self) -> None:
        """Nothing stays open."""
