"""A client's connection, kept alive; light enough for a thousand of them in one process."""

import asyncio
from collections.abc import Iterable
from typing import cast

from tests.support.wire_answer import WireAnswer, body_length, compose, parse_head


class Line(asyncio.Protocol):
    """Sends one request at a time, and connects anew when the server has hung up."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._method = ""
        self._waiting: asyncio.Future[WireAnswer] | None = None

    async def ask(
        self, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes | None = None
    ) -> WireAnswer:
        """Return the answer; raises ConnectionError when the server refuses to connect, or hangs up instead."""
        loop = asyncio.get_running_loop()
        if self._transport is None or self._transport.is_closing():
            self._received.clear()
            await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        assert self._transport is not None
        self._method, self._waiting = method, loop.create_future()
        self._transport.write(compose(method, target, headers, body))
        try:
            return await self._waiting
        finally:
            if not self._waiting.done() or self._waiting.cancelled():
                self.close()
            self._waiting = None

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Complete the answer that is waited for."""
        self._received += data
        head, end_of_head, rest = self._received.partition(b"\r\n\r\n")
        if not end_of_head or self._waiting is None or self._waiting.done():
            return
        status, headers = parse_head(bytes(head))
        length = body_length(self._method, status, headers)
        if len(rest) < length:
            return
        self._received = rest[length:]
        self._waiting.set_result(WireAnswer(status, headers, bytes(rest[:length])))
        if ("connection", "close") in headers:
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits."""
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError(f"the server hung up: {error}"))
