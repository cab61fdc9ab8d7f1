"""Whether a service still listens."""

import asyncio


async def refuses_connections(port: int) -> bool:
    """Return whether a new connection is refused."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False
