"""One client: sends, waits, checks, sends again."""

import asyncio
from time import perf_counter
from typing import cast

from benchmarks.load.http import parse
from benchmarks.load.magazine import Magazine
from benchmarks.load.shot import Shot


class Line(asyncio.Protocol):
    """A connection kept open, with at most one request under way."""

    def __init__(self, magazine: Magazine) -> None:
        self._magazine = magazine
        self._received = b""
        self._shot: Shot | None = None
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._fire()

    def data_received(self, data: bytes) -> None:
        """Check the answer when it is complete, and go on."""
        self._received = self._received + data if self._received else data
        answer = parse(self._received)
        if answer is None or self._shot is None:
            return
        now = perf_counter()
        self._received = b""
        if not self._magazine.accepts(self._shot, *answer):
            self._transport.abort()
            return
        self._magazine.count(self._sent, now)
        self._fire()

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up with a request under way has not answered it."""
        if self._shot is not None:
            self._magazine.fail(f"the server hung up during {self._shot.request[:80]!r} ({exc})")

    def _fire(self) -> None:
        self._shot = self._magazine.next()
        if self._shot is None:
            self._transport.close()
            self._magazine.leave()
            return
        self._sent = perf_counter()
        self._transport.write(self._shot.request)
