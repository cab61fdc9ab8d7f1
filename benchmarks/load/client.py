"""A client of the load generator."""

import asyncio
from time import perf_counter
from typing import cast

from benchmarks.load.checked_request import CheckedRequest
from benchmarks.load.http import parse
from benchmarks.load.request_queue import RequestQueue


class Client(asyncio.Protocol):
    """A persistent connection with at most one pending request."""

    def __init__(self, queue: RequestQueue) -> None:
        self._queue = queue
        self._received = b""
        self._request: CheckedRequest | None = None
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Check the response when it is complete, and send the next request."""
        self._received = self._received + data if self._received else data
        response = parse(self._received)
        if response is None or self._request is None:
            return
        now = perf_counter()
        self._received = b""
        if not self._queue.accepts(self._request, *response):
            self._transport.abort()
            return
        self._queue.count(self._sent, now)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail if a request is pending."""
        if self._request is not None:
            self._queue.fail(f"the server closed the connection during {self._request.request[:80]!r} ({exc})")

    def _send(self) -> None:
        self._request = self._queue.next()
        if self._request is None:
            self._transport.close()
            self._queue.leave()
            return
        self._sent = perf_counter()
        self._transport.write(self._request.request)
