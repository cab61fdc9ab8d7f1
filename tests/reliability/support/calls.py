"""Single requests of a party, side by side."""

import json
from typing import Any

from tests.support.party import Party
from tests.support.wire_answer import WireAnswer
from tests.support.wire_channel import WireChannel


async def call(
    port: int, method: str, target: str, party: Party, body: dict[str, Any] | None = None, **headers: str
) -> WireAnswer:
    """Ask on a connection of its own; `if_match` is the header If-Match."""
    line = WireChannel(port)
    try:
        return await call_on(line, method, target, party, body, **headers)
    finally:
        await line.close()


async def call_on(
    line: WireChannel, method: str, target: str, party: Party, body: dict[str, Any] | None = None, **headers: str
) -> WireAnswer:
    """Ask on this connection."""
    pairs = [*party.headers.items(), *((name.replace("_", "-"), value) for name, value in headers.items())]
    if body is None:
        return await line.ask(method, target, pairs)
    return await line.ask(method, target, [*pairs, ("Content-Type", "application/json")], json.dumps(body).encode())


def path_of(party: Party) -> str:
    """Return the path of the party's own tenant."""
    return f"/tenants/{party.tenant_id}"
