"""Some hundred ways to frame a request with a body that is itself a request, made by combination."""

from collections.abc import Iterator
from itertools import product

from tests.bad_input.requests import AFTERWARDS, raw

HOST = "Host: service"
JSON = "Content-Type: application/json"
SMUGGLED = b"GET /tenants?limit=1 HTTP/1.1\r\nHost: service\r\nAuthorization: Bearer %b\r\n\r\n"
"""What must never be answered: with this token, its answer would hold items."""

LINES = ("POST /tenants HTTP/1.1", "GET /health HTTP/1.1", "PUT /tenants/x HTTP/1.1", "POST /tenants HTTP/1.0")
OFFERS = (
    (),
    ("Connection: Upgrade", "Upgrade: h2c"),
    ("Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    ("Upgrade: TLS/1.2", "connection: UPGRADE"),
    ("Connection: Upgrade", "Connection: close", "Upgrade: a", "Upgrade: b"),
    ("Connection: Upgrade",),
    ("Upgrade: h2c",),
)
EXPECTATIONS = ((), ("Expect: 100-continue",))


def framings(body: bytes) -> dict[str, tuple[tuple[str, ...], bytes]]:
    """Return headers and bytes for each way to say where a body ends."""
    size = len(body)
    half = size // 2
    one = b"%x\r\n%b\r\n0\r\n\r\n" % (size, body)
    two = b"%x;name=value\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (half, body[:half], size - half, body[half:])
    chunked = "Transfer-Encoding: chunked"
    return {
        "a length": ((f"Content-Length: {size}",), body),
        "chunks": ((chunked,), one),
        "two chunks": ((chunked,), two),
        "a trailer": ((chunked,), one.replace(b"0\r\n\r\n", b"0\r\nX-Sum: 1\r\n\r\n")),
        "an upgrade as trailer": (
            (chunked,),
            one.replace(b"0\r\n\r\n", b"0\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
        ),
        "a capital encoding": (("Transfer-Encoding: Chunked",), one),
        "a length too short": ((f"Content-Length: {half}",), body),
        "nothing": ((), body),
        "two lengths": ((f"Content-Length: {size}", "Content-Length: 0"), body),
        "both": ((chunked, f"Content-Length: {len(one)}"), one),
        "a length in hexadecimal": ((f"Content-Length: {size:#x}",), body),
        "a folded length": ((f"Content-Length:\r\n {size}",), body),
        "a blank before the colon": ((f"Content-Length : {size}",), body),
        "an unknown encoding": (("Transfer-Encoding: gzip",), one),
        "line feeds alone": ((chunked,), one.replace(b"\r\n", b"\n")),
    }


def shapes(token: str) -> Iterator[tuple[str, bytes]]:
    """Return each shape with a name; behind each comes a request that closes the connection."""
    body = SMUGGLED % token.encode()
    for line, offer, expectation, (name, (headers, content)) in product(
        LINES, OFFERS, EXPECTATIONS, framings(body).items()
    ):
        head = raw(line, HOST, f"Authorization: Bearer {token}", JSON, *offer, *expectation, *headers)
        yield f"{line}, {offer}, {expectation}, {name}", head + content + AFTERWARDS
