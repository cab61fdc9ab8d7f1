"""The part of HTTP/1.1 that a client needs for expected responses."""

import json
import re
import socket
from typing import Any

LENGTH = re.compile(rb"\ncontent-length: *(\d+)", re.IGNORECASE)


def compose(method: str, target: str, headers: dict[str, str], body: Any = None) -> bytes:
    """Return a request for a persistent connection."""
    content = b"" if body is None else json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


def parse(received: bytes) -> tuple[int, bytes] | None:
    """Return status and body; None while the response is incomplete. A body without a length is empty."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = LENGTH.search(received, 0, end)
    size = int(length[1]) if length else 0
    body = received[end + 4 : end + 4 + size]
    return (int(received[9:12]), body) if len(body) == size else None


def exchange(port: int, request: bytes) -> tuple[int, bytes]:
    """Send a request and return its response."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        received = b""
        while (response := parse(received)) is None:
            if not (piece := connection.recv(1 << 16)):
                raise ConnectionError(f"the server closed the connection: {received[:500]!r}")
            received += piece
        return response
