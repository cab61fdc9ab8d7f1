"""A bad line between a client and the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

BIG_ENOUGH = 65_536


@asynccontextmanager
async def cutting_line(url: str, cut: bytes) -> AsyncIterator[str]:
    """Pass requests on, and cut the first answer to a request that begins so: it was carried out, and nobody is told.

    Gives the address of the line.
    """
    to_be_cut = [cut]

    async def carry(client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        there, forth = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        is_last = asyncio.Event()

        async def pass_requests_on() -> None:
            while request := await client.read(BIG_ENOUGH):
                if to_be_cut and request.startswith(to_be_cut[0]):
                    to_be_cut.clear()
                    is_last.set()
                forth.write(request)
            forth.close()

        async with asyncio.TaskGroup() as tasks:
            requests = tasks.create_task(pass_requests_on())
            while answer := await there.read(BIG_ENOUGH):
                if is_last.is_set():
                    break
                back.write(answer)
            requests.cancel()
        for writer in (forth, back):
            writer.close()

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
