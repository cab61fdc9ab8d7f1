"""A line between a client and the service, on which things happen."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

BIG_ENOUGH = 65_536


@dataclass
class WatchedLine:
    """Passes requests on to a service, and remembers the first line of each."""

    service_url: str
    cut: bytes | None = None
    """Cut the first answer to a request that begins so: it was carried out, and nobody is told."""
    interrupt: bytes | None = None
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """Done once, before the first request that begins like `interrupt` is passed on."""
    url: str = ""
    requests: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["WatchedLine"]:
        """Listen until the end; `url` is the address of the line."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        async with server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self

    async def _carry(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        target = urlsplit(self.service_url)
        there, forth = await asyncio.open_connection(target.hostname, target.port)
        is_cut = asyncio.Event()

        async def pass_requests_on() -> None:
            while request := await client.read(BIG_ENOUGH):
                if b" HTTP/1.1\r\n" in request:
                    self.requests.append(request.partition(b" HTTP/1.1\r\n")[0].decode())
                if self.cut and request.startswith(self.cut):
                    self.cut = None
                    is_cut.set()
                if self.meanwhile and self.interrupt and request.startswith(self.interrupt):
                    happens, self.meanwhile = self.meanwhile, None
                    await happens()
                forth.write(request)
            forth.close()

        async with asyncio.TaskGroup() as tasks:
            requests = tasks.create_task(pass_requests_on())
            while answer := await there.read(BIG_ENOUGH):
                if is_cut.is_set():
                    break
                back.write(answer)
            requests.cancel()
        for writer in (forth, back):
            writer.close()
