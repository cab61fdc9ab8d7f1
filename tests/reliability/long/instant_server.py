"""Answers everything at once, to show what the clients can do."""

import asyncio
import sys
from typing import cast

import uvloop

BODY = b'{"answer":"' + b"x" * 300 + b'"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class InstantServer(asyncio.Protocol):
    """Takes each piece that arrives for one request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - whatever it says
        """Answer."""
        self._transport.write(ANSWER)


async def main(port: int) -> None:
    """Serve until terminated."""
    server = await asyncio.get_running_loop().create_server(InstantServer, "127.0.0.1", port)
    print("ready", flush=True)  # noqa: T201 - to whoever started it
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])), loop_factory=uvloop.new_event_loop)
