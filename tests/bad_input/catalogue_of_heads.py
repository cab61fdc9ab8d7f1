"""Request lines and headers: paths, methods, queries, tokens, preconditions, and sheer size."""

from tests.bad_input.requests import AS_PARENT, CLOSE, get, nasty, raw, send, tenant

NOWHERE = "404 route_not_found"
INVALID = "422 invalid_request"
NOT_ALLOWED = "405 method_not_allowed"
NOBODY = "401 authentication_required"
NOT_HTTP = "400 malformed_request"
AMBIGUOUS = "400 ambiguous_headers"
HEADERS_TOO_LARGE = "431 headers_too_large"
TOO_LONG = "414 target_too_long"
NOT_FOUND = "404 tenant_not_found"
MALFORMED_CONDITION = "400 malformed_precondition"

THREE_THOUSAND_TAGS = ",".join(['"1"'] * 3_000)


def nobody(*headers: str | bytes) -> bytes:
    """Return a request for the list with exactly these headers."""
    return raw("GET /tenants HTTP/1.1", "Host: service", CLOSE, *headers)


def delete(*headers: str | bytes) -> bytes:
    """Return a request to delete a subsidiary, with these headers besides the usual ones."""
    return get("/tenants/<child>", *headers, method="DELETE")


PATHS = [
    nasty("dot segments", get("/tenants/../health"), NOWHERE),
    nasty("encoded dot segments", get("/tenants/%2e%2e/health"), NOWHERE),
    nasty("dots to a file", get("/../../../../etc/passwd"), NOWHERE),
    nasty("encoded dots to a file of the documentation", get("/static-offline-docs/%2e%2e/%2e%2e/main.py"), NOWHERE),
    nasty("backslashes", get("/tenants\\<child>"), NOWHERE),
    nasty("encoded slash", get("/tenants%2f<child>"), NOWHERE),
    nasty("encoded slash in front", get("/%2ftenants"), NOWHERE),
    nasty("two slashes", get("//tenants"), NOWHERE),
    nasty("trailing slash", get("/tenants/"), NOWHERE),
    nasty("matrix parameters", get("/tenants;admin=true"), NOWHERE),
    nasty("capital letters", get("/TENANTS"), NOWHERE),
    nasty("no slash in front", get("tenants"), NOT_HTTP),
    nasty("empty path", get(""), NOT_HTTP),
    nasty("asterisk", get("*", method="OPTIONS"), NOWHERE),
    nasty("NUL in the path", get(b"/tenants/\0"), NOT_HTTP),
    nasty("encoded NUL", get("/tenants/%00"), INVALID),
    nasty("encoded line ends", get("/tenants/%0d%0aX-Evil:%201"), INVALID),
    nasty("broken percent-encoding", get("/tenants/%zz"), INVALID),
    nasty("overlong UTF-8 slash", get("/tenants%c0%af<child>"), NOWHERE),
    nasty("bytes beyond ASCII", get(b"/tenants/\xff\xfe"), NOT_HTTP),
    nasty("control character", get(b"/tenants/\x01"), NOT_HTTP),
    nasty("SQL as id", get("/tenants/'%20OR%201=1--"), INVALID),
    nasty("an id and more", get("/tenants/<child>%20"), INVALID),
    nasty("an id too short", get("/tenants/1"), INVALID),
    nasty("a foreign id", get("/tenants/<foreign>"), NOT_FOUND),
    nasty("absolute form of another host", get("http://evil.example/tenants/<foreign>"), NOT_FOUND),
    nasty("absolute form without a path", get("http://evil.example"), NOWHERE),
    nasty("absolute form without a path, to another method", get("http://evil.example", method="DELETE"), NOWHERE),
    nasty("absolute form with a query alone", get("http://evil.example?limit=1"), NOWHERE),
    nasty("absolute form without a host", get("http://"), NOT_HTTP),
    nasty("absolute form with half an IPv6 address", get("http://[::1"), NOT_HTTP),
    nasty("absolute form with a port beyond 16 bits", get("http://x:99999999/health"), NOT_HTTP),
    nasty("absolute form with a fragment", get("http://evil.example#x", method="PUT"), NOT_HTTP),
    nasty("a path of 20 KB", get("/" + "a" * 20_000), TOO_LONG),
    nasty("a path of 100 KB", get("/" + "a" * 100_000), TOO_LONG),
    nasty("a query of 20 KB", get("/tenants?cursor=" + "a" * 20_000), TOO_LONG),
    nasty("a query of 100 KB", get("/tenants?cursor=" + "a" * 100_000), TOO_LONG),
]

METHODS = [
    nasty("PATCH", send("{}", line="PATCH /tenants/<child> HTTP/1.1"), NOT_ALLOWED),
    nasty("HEAD", get("/tenants", method="HEAD"), "200"),
    nasty("TRACE", get("/tenants", method="TRACE"), NOT_ALLOWED),
    nasty("OPTIONS", get("/tenants", "Origin: https://evil.example", method="OPTIONS"), NOT_ALLOWED),
    nasty("PROPFIND", get("/tenants", method="PROPFIND"), NOT_ALLOWED),
    nasty("CONNECT", get("evil.example:443", method="CONNECT"), NOT_HTTP),
    nasty("an invented method", get("/tenants", method="STEAL"), NOT_HTTP),
    nasty("a method in small letters", get("/tenants", method="get"), NOT_HTTP),
    nasty("method override", get("/tenants/<child>", "X-HTTP-Method-Override: DELETE"), "200"),
    nasty("DELETE of all", get("/tenants", method="DELETE"), NOT_ALLOWED),
    nasty("the HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NOT_HTTP),
    nasty("HTTP/9.9", raw("GET /health HTTP/9.9", "Host: service", CLOSE), NOT_HTTP),
    nasty("HTTP/2.0", raw("GET /health HTTP/2.0", "Host: service", CLOSE), NOT_HTTP),
    nasty("HTTP/0.9", b"GET /health\r\n\r\n", NOT_HTTP),
    nasty("HTTP/0.9 by name", raw("GET /health HTTP/0.9", "Host: service", CLOSE), NOT_HTTP),
    nasty("TLS to a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500, NOT_HTTP),
    nasty(
        "a websocket",
        get(
            "/tenants",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ),
        "200",
    ),
    nasty("an upgrade to HTTP/2", get("/tenants", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"), "200"),
]

QUERIES = [
    nasty("limit of 0", get("/tenants?limit=0"), INVALID),
    nasty("limit below 0", get("/tenants?limit=-1"), INVALID),
    nasty("limit of 1,000 digits", get("/tenants?limit=" + "9" * 1_000), INVALID),
    nasty("limit of 5,000 digits", get("/tenants?limit=" + "9" * 5_000), INVALID),
    nasty("limit in words", get("/tenants?limit=NaN"), INVALID),
    nasty("a parameter that does not exist", get("/tenants?organization_id=<foreign>"), INVALID),
    nasty("a forged cursor", get("/tenants?cursor=AAAA"), INVALID),
    nasty("a cursor with a NUL", get("/tenants?cursor=%00"), INVALID),
    nasty("broken UTF-8 in the query", get("/tenants?tenant_type=%ff%fe"), INVALID),
    nasty("cascade in words", get("/tenants/<foreign>?cascade=perhaps", method="DELETE"), INVALID),
    nasty("10,000 parameters", get("/tenants?" + "&".join(["a"] * 7_000)), INVALID),
]

TOKENS = [
    nasty("no token", nobody(), NOBODY),
    nasty("an empty token", nobody("Authorization: Bearer "), NOBODY),
    nasty("another scheme", nobody("Authorization: Basic PHRva2VuPg=="), NOBODY),
    nasty("a token of 15 KB", nobody("Authorization: Bearer " + "a" * 15_000), NOBODY),
    nasty("SQL as token", nobody("Authorization: Bearer ' OR '1'='1"), NOBODY),
    nasty("a token beyond ASCII", nobody(b"Authorization: Bearer \xff\xfe\xe4"), NOBODY),
    nasty("two tokens, the good one first", nobody(AS_PARENT, "Authorization: Bearer x"), AMBIGUOUS),
    nasty("two tokens, the good one last", nobody("Authorization: Bearer x", AS_PARENT), AMBIGUOUS),
    nasty("a token in the query", raw("GET /tenants?access_token=<token> HTTP/1.1", "Host: service", CLOSE), NOBODY),
]

HEADERS = [
    nasty("headers of 20 KB", get("/health", "X-Large: " + "a" * 20_000), HEADERS_TOO_LARGE),
    nasty("one header of 1 MB", get("/health", "X-Large: " + "a" * 1_000_000), HEADERS_TOO_LARGE),
    nasty("2,000 headers", get("/health", *[f"X-Many-{n}: {n}" for n in range(2_000)]), HEADERS_TOO_LARGE),
    nasty("NUL in a header", get("/health", b"X-Nul: a\0b"), NOT_HTTP),
    nasty("line feed in a header", get("/health", b"X-Evil: a\nX-Smuggled: b"), NOT_HTTP),
    nasty("carriage return in a header", get("/health", b"X-Evil: a\rX-Smuggled: b"), NOT_HTTP),
    nasty("space before the colon", get("/health", "X-Space : a"), NOT_HTTP),
    nasty("space in a name", get("/health", "X Space: a"), NOT_HTTP),
    nasty("no colon", get("/health", "nonsense"), NOT_HTTP),
    nasty("empty name", get("/health", ": a"), NOT_HTTP),
    nasty("folded line", get("/health", "X-Folded: a\r\n b"), NOT_HTTP),
    nasty("no Host", raw("GET /health HTTP/1.1", CLOSE), AMBIGUOUS),
    nasty("two Hosts", raw("GET /health HTTP/1.1", "Host: service", "Host: evil.example", CLOSE), AMBIGUOUS),
    nasty("half an IPv6 address as Host", raw("GET /tenants?limit=1 HTTP/1.1", "Host: [", AS_PARENT, CLOSE), "200"),
    nasty("a path as Host", raw("GET /tenants?limit=1 HTTP/1.1", "Host: evil/x", AS_PARENT, CLOSE), "200"),
    nasty("two content types", send(tenant(), "Content-Type: text/plain"), AMBIGUOUS),
    nasty("headers of a proxy", get("/tenants/<foreign>", "X-Forwarded-Host: x", "X-Original-URL: /"), NOT_FOUND),
    nasty("an unknown expectation", get("/health", "Expect: the-moon"), "200"),
    nasty("If-Match without quotes", delete("If-Match: 1"), MALFORMED_CONDITION),
    nasty("If-Match of an absurd version", delete(f'If-Match: "{"9" * 4_000}"'), "412 precondition_failed"),
    nasty("If-Match of 3,000 tags", delete(f"If-Match: {THREE_THOUSAND_TAGS}"), MALFORMED_CONDITION),
    nasty("If-Match beyond ASCII", delete(b"If-Match: \xff"), MALFORMED_CONDITION),
    nasty("two If-Match lines, one malformed", delete('If-Match: "7"', "If-Match: 1"), MALFORMED_CONDITION),
    nasty("an empty Idempotency-Key", send(tenant(), "Idempotency-Key: "), INVALID),
    nasty("a blank in the Idempotency-Key", send(tenant(), "Idempotency-Key: a b"), INVALID),
    nasty("an Idempotency-Key of 256 characters", send(tenant(), "Idempotency-Key: " + "k" * 256), INVALID),
    nasty("an Idempotency-Key beyond ASCII", send(tenant(), "Idempotency-Key: \u00fc"), INVALID),
    nasty("two Idempotency-Keys", send(tenant(), "Idempotency-Key: a", "Idempotency-Key: b"), AMBIGUOUS),
]

HEADS = [*PATHS, *METHODS, *QUERIES, *TOKENS, *HEADERS]
