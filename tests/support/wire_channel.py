"""A channel over TCP to a service in a process of its own, light enough for a thousand of them in this one."""

import asyncio
from collections.abc import Iterable
from typing import cast

from tests.support.wire_answer import WireAnswer, body_length, compose, parse_head

TIMEOUT_SECONDS = 60


class WireChannel(asyncio.Protocol):
    """Sends one request at a time over a connection that it keeps; connects anew when the server has hung up."""

    abandoned = "left by their clients"

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
        transport = await self._open()
        self._method, self._waiting = method, asyncio.get_running_loop().create_future()
        transport.write(compose(method, target, headers, body))
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._waiting
        finally:
            if not self._waiting.done() or self._waiting.cancelled():
                self._hang_up()
            self._waiting = None

    async def abandon(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes | None, after: float
    ) -> None:
        """Send a request, now and then only the first part of it, and reset the connection after so many seconds."""
        transport = await self._open()
        request = compose(method, target, headers, body)
        is_cut_short = int(after * 1_000_000) % 5 == 0
        transport.write(request[: len(request) - 10] if is_cut_short else request)
        await asyncio.sleep(after)
        self._hang_up()

    async def close(self) -> None:
        """Hang up."""
        self._hang_up()

    async def _open(self) -> asyncio.Transport:
        if self._transport is None or self._transport.is_closing():
            self._received.clear()
            await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)
        assert self._transport is not None
        return self._transport

    def _hang_up(self) -> None:
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
            self._hang_up()

    def connection_lost(self, error: Exception | None) -> None:
        """Report the lost connection to the request that waits."""
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError(f"the server hung up: {error}"))
