"""How the catalogue writes requests: every byte is spelt out, nothing is mended on the way."""

from tests.bad_input.nasty_request import NastyRequest

AS_PARENT = "Authorization: Bearer <token>"
JSON = "Content-Type: application/json"
CLOSE = "Connection: close"
AFTERWARDS = b"GET /health HTTP/1.1\r\nHost: service\r\nConnection: close\r\n\r\n"
"""Sent behind a request to see where the server takes its end to be."""

Text = str | bytes


def octets(text: Text) -> bytes:
    """Return the bytes; text is written as UTF-8."""
    return text if isinstance(text, bytes) else text.encode()


def raw(line: Text, *headers: Text, body: Text = b"") -> bytes:
    """Return a request of exactly this request line, these headers and this body."""
    return b"\r\n".join([octets(line), *map(octets, headers), b"", octets(body)])


def get(target: Text, *headers: Text, method: str = "GET") -> bytes:
    """Return a parent's request without a body, the last of its connection."""
    return raw(octets(method) + b" " + octets(target) + b" HTTP/1.1", "Host: service", AS_PARENT, CLOSE, *headers)


def send(body: Text, *headers: Text, line: Text = "POST /tenants HTTP/1.1", media_type: str | None = JSON) -> bytes:
    """Return a parent's request with a body of the right Content-Length, the last of its connection."""
    length = f"Content-Length: {measured(body)}"
    declared = () if media_type is None else (media_type,)
    return raw(line, "Host: service", AS_PARENT, CLOSE, *declared, length, *headers, body=body)


def measured(body: Text) -> int:
    """Return the length of the body once its placeholders are filled in: ids have 36 characters."""
    written = octets(body)
    for placeholder in (b"<parent>", b"<child>", b"<foreign>"):
        written = written.replace(placeholder, b"." * 36)
    return len(written)


def tenant(name: str = '"Nasty"', metadata: str = "{}", more: str = "") -> str:
    """Return a body that would create a subsidiary; the arguments are JSON text, good or bad."""
    return (
        f'{{"name": {name}, "tenant_type": "subsidiary", "parent_tenant_id": "<parent>", "metadata": {metadata}{more}}}'
    )


def nasty(name: str, data: bytes, *answers: str) -> NastyRequest:
    """Return an entry of the catalogue."""
    return NastyRequest(name, data, answers)
