"""Request smuggling: bytes whose end a proxy in front and the service behind might see in different places.

Each shape hides a DELETE of the caller's own subsidiary behind what looks like one request. The right answers are a
refusal that closes the connection, or the one reading that HTTP allows (RFC 9112, sections 6 and 7).
"""

from tests.bad_input.requests import AFTERWARDS, AS_PARENT, CLOSE, JSON, nasty, raw

NOT_HTTP = "400 malformed_request"
MALFORMED = "400 malformed_json"
INVALID = "422 invalid_request"
NOBODY = "401 authentication_required"
TOO_LARGE = "431 headers_too_large"

HIDDEN = raw("DELETE /tenants/<child> HTTP/1.1", "Host: service", AS_PARENT, CLOSE)
CHUNKED = "Transfer-Encoding: chunked"
OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: <protocol>", "HTTP2-Settings: AAMAAABkAAQAAP__")
TOKENLESS = raw("POST /tenants HTTP/1.1", "Host: service", JSON, CHUNKED, CLOSE)
NO_CHUNKS = b"0\r\n\r\n" + HIDDEN


def post(*headers: str | bytes, body: bytes) -> bytes:
    """Return a POST that leaves its connection open, with exactly these headers besides the usual ones."""
    return raw("POST /tenants HTTP/1.1", "Host: service", AS_PARENT, JSON, *headers, body=body)


def chunks(body: bytes) -> bytes:
    """Return a chunked POST with this body."""
    return post(CHUNKED, body=body)


def chunked(body: bytes) -> bytes:
    """Return a body as one chunk and the end."""
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


LENGTHS = [
    nasty("CL.TE", post("Content-Length: 6", CHUNKED, body=NO_CHUNKS), NOT_HTTP),
    nasty("TE.CL", post(CHUNKED, "Content-Length: 4", body=b"5c\r\n" + HIDDEN + b"\r\n0\r\n\r\n"), NOT_HTTP),
    nasty("two lengths that differ", post("Content-Length: 2", "Content-Length: 0", body=b"{}" + HIDDEN), NOT_HTTP),
    nasty("two lengths that agree", post("Content-Length: 2", "Content-Length: 2", body=b"{}" + HIDDEN), NOT_HTTP),
    nasty("two lengths in one line", post("Content-Length: 2, 2", body=b"{}" + HIDDEN), NOT_HTTP),
    nasty("a length below 0", post("Content-Length: -1", body=HIDDEN), NOT_HTTP),
    nasty("a length with a plus", post("Content-Length: +2", body=b"{}" + HIDDEN), NOT_HTTP),
    nasty("a hexadecimal length", post("Content-Length: 0x2", body=b"{}" + HIDDEN), NOT_HTTP),
    nasty("a length with a blank", post("Content-Length: 2 0", body=b"{}" + HIDDEN), NOT_HTTP),
    nasty("an empty length", post("Content-Length: ", body=HIDDEN), NOT_HTTP),
    nasty("a length beyond 64 bits", post("Content-Length: 18446744073709551618", body=b"{}" + HIDDEN), NOT_HTTP),
    nasty("a length in other digits", post("Content-Length: \u0662", body=b"{}" + HIDDEN), NOT_HTTP),
    nasty("a space before the colon of a length", post("Content-Length : 2", body=b"{}" + HIDDEN), NOT_HTTP),
    nasty("no length: what follows is the next request", post(body=AFTERWARDS), MALFORMED, "200"),
    nasty(
        "a length as announced: what follows is the next request",
        post("Content-Length: 2", body=b"[]" + AFTERWARDS),
        INVALID,
        "200",
    ),
    nasty(
        "a GET with a body, then another",
        raw("GET /health HTTP/1.1", "Host: service", "Content-Length: 5", body=b"GET /") + AFTERWARDS,
        "200",
        "200",
    ),
]

ENCODINGS = [
    nasty("chunked, with a vertical tab", post("Transfer-Encoding: \x0bchunked", body=NO_CHUNKS), NOT_HTTP),
    nasty("gzip, then chunked", post("Transfer-Encoding: gzip, chunked", body=NO_CHUNKS), NOT_HTTP),
    nasty("gzip and chunked in two lines", post("Transfer-Encoding: gzip", CHUNKED, body=NO_CHUNKS), NOT_HTTP),
    nasty("chunked in two lines", post(CHUNKED, CHUNKED, body=NO_CHUNKS), NOT_HTTP),
    nasty("chunked in capitals", post("Transfer-Encoding: CHUNKED", body=chunked(b"[]") + AFTERWARDS), INVALID, "200"),
    nasty("chunked twice", post("Transfer-Encoding: chunked, chunked", body=NO_CHUNKS), NOT_HTTP),
    nasty("chunked, then identity", post("Transfer-Encoding: chunked, identity", body=NO_CHUNKS), NOT_HTTP),
    nasty("an unknown encoding", post("Transfer-Encoding: x", "Content-Length: 2", body=b"{}" + HIDDEN), NOT_HTTP),
    nasty("xchunked", post("Transfer-Encoding: xchunked", body=NO_CHUNKS), NOT_HTTP),
    nasty("chunked in quotes", post('Transfer-Encoding: "chunked"', body=NO_CHUNKS), NOT_HTTP),
    nasty("two encodings", post(CHUNKED, "Transfer-Encoding: identity", body=NO_CHUNKS), NOT_HTTP),
    nasty("a space before the colon of the encoding", post("Transfer-Encoding : chunked", body=NO_CHUNKS), NOT_HTTP),
    nasty("folded", post("Transfer-Encoding:\r\n chunked", body=NO_CHUNKS), NOT_HTTP),
    nasty("a line feed alone", post(b"X: y\nTransfer-Encoding: chunked", body=NO_CHUNKS), NOT_HTTP),
    nasty("in HTTP/1.0", raw("POST / HTTP/1.0", AS_PARENT, CHUNKED, "Content-Length: 3", body=NO_CHUNKS), NOT_HTTP),
]

CHUNK_TRICKS = [
    nasty("a size that is no number", chunks(b"zz\r\n{}\r\n0\r\n\r\n" + HIDDEN), NOT_HTTP),
    nasty("a size below 0", chunks(b"-2\r\n{}\r\n0\r\n\r\n" + HIDDEN), NOT_HTTP),
    nasty("a size beyond 64 bits", chunks(b"10000000000000002\r\n{}\r\n0\r\n\r\n" + HIDDEN), NOT_HTTP),
    nasty("a size with 0x", chunks(b"0x2\r\n{}\r\n0\r\n\r\n" + HIDDEN), NOT_HTTP),
    nasty("a size with a blank in front", chunks(b" 2\r\n{}\r\n0\r\n\r\n" + HIDDEN), NOT_HTTP),
    nasty("a chunk longer than its size", chunks(b"1\r\n{}\r\n0\r\n\r\n" + HIDDEN), NOT_HTTP),
    nasty("no line end behind a chunk", chunks(b"2\r\n{}0\r\n\r\n" + HIDDEN), NOT_HTTP),
    nasty("line feeds alone in chunks", chunks(b"2\n{}\n0\n\n" + HIDDEN), NOT_HTTP),
    nasty("a line feed in an extension", chunks(b"2;a\nb\r\n{}\r\n0\r\n\r\n" + HIDDEN), NOT_HTTP),
    nasty("carriage returns alone in chunks", chunks(b"2\r{}\r0\r\r" + HIDDEN), NOT_HTTP),
    nasty("an extension", chunks(b'2;a="b"\r\n[]\r\n0\r\n\r\n' + AFTERWARDS), INVALID, "200"),
    nasty("an extension of 1 MB", chunks(b"2;" + b"a" * 1_000_000 + b"\r\n[]\r\n0\r\n\r\n"), TOO_LARGE),
]

TRAILERS = [
    nasty("a trailer", chunks(b"2\r\n[]\r\n0\r\nX-Sum: 1\r\n\r\n" + AFTERWARDS), INVALID, "200"),
    nasty("a length as trailer", chunks(b"2\r\n[]\r\n0\r\nContent-Length: 99\r\n\r\n" + HIDDEN), NOT_HTTP),
    nasty("a token as trailer", TOKENLESS + b"2\r\n[]\r\n0\r\n" + AS_PARENT.encode() + b"\r\n\r\n", NOBODY),
    nasty("a trailer of 1 MB", chunks(b"2\r\n[]\r\n0\r\nX-Large: " + b"a" * 1_000_000), TOO_LARGE),
]

LINES = [
    nasty("line feeds alone", b"GET /health HTTP/1.1\nHost: service\nConnection: close\n\n", NOT_HTTP),
    nasty("carriage returns alone", b"GET /health HTTP/1.1\rHost: service\r\r", NOT_HTTP),
    nasty("a line feed that ends the head", raw("GET /health HTTP/1.1", "Host: x")[:-2] + b"\n" + HIDDEN, NOT_HTTP),
    nasty("a blank line in front", b"\r\n" + AFTERWARDS, "200"),
    nasty("blanks before the first header", raw("GET /health HTTP/1.1", " Host: service", CLOSE), NOT_HTTP),
    nasty("two blanks in the request line", raw("GET  /health HTTP/1.1", "Host: service", CLOSE), "200"),
    nasty("a tab in the request line", raw("GET\t/health HTTP/1.1", "Host: service", CLOSE), NOT_HTTP),
    nasty("words behind the version", raw("GET /health HTTP/1.1 HTTP/1.0", "Host: service", CLOSE), NOT_HTTP),
    nasty("a request behind the last one", AFTERWARDS + HIDDEN, "200"),
]

UPGRADES = [
    nasty(f"an offer of {protocol}, {name}", data.replace(b"<protocol>", protocol.encode()), *answers)
    for protocol in ("h2c", "websocket", "TLS/1.2", "anything")
    for name, data, answers in (
        ("without a body", raw("GET /health HTTP/1.1", "Host: service", *OFFER, body=AFTERWARDS), ("200", "200")),
        (
            "with a body that is a request",
            post(*OFFER, f"Content-Length: {len(AFTERWARDS)}", body=AFTERWARDS) + AFTERWARDS,
            (MALFORMED, "200"),
        ),
        ("with a chunked request", post(*OFFER, CHUNKED, body=chunked(AFTERWARDS)) + AFTERWARDS, (MALFORMED, "200")),
        (
            "with a GET's body",
            raw("GET /health HTTP/1.1", "Host: service", *OFFER, f"Content-Length: {len(AFTERWARDS)}", body=AFTERWARDS)
            + AFTERWARDS,
            ("200", "200"),
        ),
        ("with two bodies", post(*OFFER, CHUNKED, "Content-Length: 6", body=NO_CHUNKS), (NOT_HTTP,)),
        (
            "in HTTP/1.0",
            raw("POST /tenants HTTP/1.0", *OFFER, JSON, "Content-Length: 2", body=b"{}" + HIDDEN),
            (NOBODY,),
        ),
    )
]
CONNECT = [
    nasty(
        "CONNECT with a host, then a request",
        raw("CONNECT service:80 HTTP/1.1", "Host: service", body=HIDDEN),
        NOT_HTTP,
    ),
    nasty(
        "CONNECT with a path, then a request",
        raw("CONNECT /tenants HTTP/1.1", "Host: service", AS_PARENT, body=HIDDEN),
        NOT_HTTP,
    ),
    nasty("HTTP/2 without asking", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN, NOT_HTTP),
]

FRAMINGS = [*LENGTHS, *ENCODINGS, *CHUNK_TRICKS, *TRAILERS, *LINES, *UPGRADES, *CONNECT]
