"""What a caller can tell of an answer."""

import httpx

UNIQUE_TO_EACH = {"x-request-id", "date"}


def observable(response: httpx.Response) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return status, headers and body, byte for byte, without what differs in any two answers."""
    headers = [(name, value) for name, value in response.headers.raw if name.decode().lower() not in UNIQUE_TO_EACH]
    return response.status_code, headers, response.content.replace(response.headers["x-request-id"].encode(), b"")
