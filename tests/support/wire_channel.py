"""A channel over TCP, to a service in a process of its own."""

import asyncio
from contextlib import suppress

from tests.support.wire_answer import WireAnswer, body_length, compose, parse_head

PATIENCE_SECONDS = 30


class WireChannel:
    """Keeps its connection alive; abandoning breaks it, and the next request opens another."""

    abandoned = "left by their clients"

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes | None) -> WireAnswer:
        """Send a request and wait for its answer."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await self._open()
            writer.write(compose(method, target, headers, body))
            head = await reader.readuntil(b"\r\n\r\n")
            status, answered = parse_head(head[:-4])
            content = await reader.readexactly(body_length(method, status, answered))
        if ("connection", "close") in answered:
            await self.close()
        return WireAnswer(status, answered, content)

    async def abandon(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes | None, after: float
    ) -> None:
        """Send a request, now and then only the first part of it, and reset the connection after so many seconds."""
        _, writer = await self._open()
        request = compose(method, target, headers, body)
        is_cut_short = int(after * 1_000_000) % 5 == 0
        writer.write(request[: len(request) - 10] if is_cut_short else request)
        await asyncio.sleep(after)
        writer.transport.abort()
        self._streams = None

    async def close(self) -> None:
        """Hang up in order."""
        if self._streams:
            self._streams[1].close()
            with suppress(OSError):
                await self._streams[1].wait_closed()
            self._streams = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**22)
        return self._streams
