"""Bodies: broken encodings, JSON that parsers read differently, values that no rule allows, and sheer size."""

import gzip

from tests.bad_input.requests import AFTERWARDS, AS_PARENT, CLOSE, JSON, nasty, raw, send, tenant

MALFORMED = "400 malformed_json"
INVALID = "422 invalid_request"
TOO_LARGE = "413 body_too_large"
UNSUPPORTED = "415 unsupported_media_type"

TEN_MEGABYTES = 10 * 1024 * 1024
CHUNKED = b"10000\r\n" + b"x" * 65_536 + b"\r\n"

ENCODINGS = [
    nasty("empty body", send(""), MALFORMED),
    nasty("only blanks", send(" \r\n\t "), MALFORMED),
    nasty("byte order mark before JSON", send(b"\xef\xbb\xbf" + tenant().encode()), MALFORMED),
    nasty("UTF-16 with byte order mark", send("{}".encode("utf-16")), MALFORMED),
    nasty("UTF-32", send("{}".encode("utf-32-be")), MALFORMED),
    nasty("Latin-1", send(tenant('"Z\u00fcrich"').encode("latin-1")), MALFORMED),
    nasty("overlong UTF-8", send(tenant('"A"').encode().replace(b'"A"', b'"\xc0\xaf"')), MALFORMED),
    nasty("surrogate in UTF-8 bytes", send(tenant('"A"').encode().replace(b'"A"', b'"\xed\xa0\x80"')), MALFORMED),
    nasty("beyond U+10FFFF", send(tenant('"A"').encode().replace(b'"A"', b'"\xf4\x90\x80\x80"')), MALFORMED),
    nasty("UTF-8 cut short", send(b'{"name": "\xe2\x82'), MALFORMED),
    nasty("NUL byte in a string", send(tenant('"a\0b"')), MALFORMED),
    nasty("NUL bytes behind the body", send(tenant() + "\0\0"), MALFORMED),
    nasty("lone high surrogate", send(tenant(r'"\ud83d"')), MALFORMED),
    nasty("lone low surrogate in metadata", send(tenant(metadata=r'{"a": "\udc00"}')), MALFORMED),
    nasty("surrogates in the wrong order", send(tenant(r'"\udc00\ud83d"')), MALFORMED),
    nasty("lone surrogate in a key", send(tenant(metadata=r'{"\ud800": 1}')), MALFORMED),
    nasty("gzip, declared as such", send(gzip.compress(b"{}"), "Content-Encoding: gzip"), UNSUPPORTED),
    nasty("plain JSON declared as gzip", send(tenant(), "Content-Encoding: gzip"), UNSUPPORTED),
    nasty(
        "multipart",
        send("--x\r\n\r\n{}\r\n--x--", media_type="Content-Type: multipart/form-data; boundary=x"),
        UNSUPPORTED,
    ),
    nasty("a form", send("name=a", media_type="Content-Type: application/x-www-form-urlencoded"), UNSUPPORTED),
    nasty("no content type", send(tenant(), media_type=None), UNSUPPORTED),
    nasty("two content types in one", send(tenant(), media_type=f"{JSON}, text/plain"), UNSUPPORTED),
    nasty("declared as UTF-16", send(tenant(), media_type=f"{JSON}; charset=utf-16"), UNSUPPORTED),
    nasty("declared as UTF-7", send(tenant(), media_type=f"{JSON}; charset=utf-7"), UNSUPPORTED),
]

JSON_TEXT = [
    nasty("NaN", send(tenant(metadata='{"a": NaN}')), MALFORMED),
    nasty("Infinity", send(tenant(metadata='{"a": Infinity}')), MALFORMED),
    nasty("-Infinity", send(tenant(metadata='{"a": -Infinity}')), MALFORMED),
    nasty("number beyond a double", send(tenant(metadata='{"a": 1e400}')), INVALID),
    nasty("duplicate key", send(tenant(more=', "name": "Other"')), MALFORMED),
    nasty("duplicate key, one escaped", send(tenant(more=r', "n\u0061me": "Other"')), MALFORMED),
    nasty("duplicate key deep inside", send(tenant(metadata='{"a": [{"b": 1, "b": 2}]}')), MALFORMED),
    nasty("trailing comma", send('{"name": "A",}'), MALFORMED),
    nasty("comment", send('{"name": "A" /* B */}'), MALFORMED),
    nasty("single quotes", send("{'name': 'A'}"), MALFORMED),
    nasty("bare key", send("{name: 1}"), MALFORMED),
    nasty("leading zero", send(tenant(metadata='{"a": 007}')), MALFORMED),
    nasty("hexadecimal", send(tenant(metadata='{"a": 0x10}')), MALFORMED),
    nasty("unescaped line end in a string", send(tenant('"a\nb"')), MALFORMED),
    nasty("two documents", send("{}{}"), MALFORMED),
    nasty("cut short", send(tenant()[:-1]), MALFORMED),
    nasty("10,000 arrays in one another", send(tenant(metadata="[" * 10_000 + "]" * 10_000)), MALFORMED),
    nasty("10,000 objects in one another", send(tenant(metadata='{"a":' * 10_000 + "1" + "}" * 10_000)), MALFORMED),
    nasty("60,000 brackets, none closed", send("[" * 60_000), MALFORMED),
    nasty("33 levels", send(tenant(metadata='{"a":' * 33 + "1" + "}" * 33)), INVALID),
    nasty("4,000 unknown members", send(tenant(more="".join(f', "m{n}": 0' for n in range(4_000)))), INVALID),
]

VALUES = [
    nasty("an array", send("[]"), INVALID),
    nasty("a string", send('"tenant"'), INVALID),
    nasty("null", send("null"), INVALID),
    nasty("a number", send("1"), INVALID),
    nasty("true", send("true"), INVALID),
    nasty("an empty object", send("{}"), INVALID),
    nasty("name is an object", send(tenant('{"$ne": null}')), INVALID),
    nasty("name is an array", send(tenant('["A"]')), INVALID),
    nasty("name is a number", send(tenant("1")), INVALID),
    nasty("name is null", send(tenant("null")), INVALID),
    nasty("name is blank", send(tenant(r'" \u00a0\u3000 "')), INVALID),
    nasty("name of 201 characters", send(tenant(f'"{"a" * 201}"')), INVALID),
    nasty("name that grows when normalized", send(tenant(f'"{chr(0x0958) * 200}"')), INVALID),
    nasty("NUL in the name", send(tenant(r'"a\u0000b"')), INVALID),
    nasty("line end in the name", send(tenant(r'"a\r\nX-Evil: 1"')), INVALID),
    nasty("DEL in the name", send(tenant(r'"a\u007fb"')), INVALID),
    nasty("C1 control character in the name", send(tenant(r'"a\u0085b"')), INVALID),
    nasty("NUL in metadata", send(tenant(metadata=r'{"a": "\u0000"}')), INVALID),
    nasty("NUL in a key", send(tenant(metadata=r'{"\u0000": 1}')), INVALID),
    nasty("integer of 400 digits", send(tenant(metadata=f'{{"a": {"9" * 400}}}')), INVALID),
    nasty("integer of 5,000 digits", send(tenant(metadata=f'{{"a": {"9" * 5_000}}}')), MALFORMED),
    nasty("integer of 2^53", send(tenant(metadata='{"a": 9007199254740992}')), INVALID),
    nasty(
        "numbers that grow when spelt out", send(tenant(metadata=f'{{"a": [{",".join(["1e300"] * 1_000)}]}}')), INVALID
    ),
    nasty("metadata of 16 KiB and one byte", send(tenant(metadata=f'{{"a": "{"x" * 16_377}"}}')), INVALID),
    nasty("metadata is null", send(tenant(metadata="null")), INVALID),
    nasty("metadata is a string of JSON", send(tenant(metadata=r'"{\"a\": 1}"')), INVALID),
    nasty("an id of one's own choice", send(tenant(more=', "tenant_id": "<child>"')), INVALID),
    nasty("a version of one's own choice", send(tenant(more=', "version": 7')), INVALID),
    nasty("__proto__", send(tenant(more=', "__proto__": {"admin": true}')), INVALID),
    nasty("unknown type", send(tenant(more=', "tenant_type2": "x"')), INVALID),
    nasty("SQL as parent", send(tenant().replace("<parent>", "' OR 1=1 --")), INVALID),
    nasty("somebody else's parent", send(tenant().replace("<parent>", "<foreign>")), "403 operation_not_permitted"),
    nasty("a third level", send(tenant().replace("<parent>", "<child>")), "403 operation_not_permitted"),
    nasty("the nil UUID as parent", send(tenant().replace("<parent>", "0" * 32)), "403 operation_not_permitted"),
]

SIZES = [
    nasty("one byte over the limit", send("x" * 65_537), TOO_LARGE),
    nasty("10 MB", send(b"x" * TEN_MEGABYTES), TOO_LARGE),
    nasty(
        "10 MB in chunks",
        raw(
            "POST /tenants HTTP/1.1",
            "Host: service",
            AS_PARENT,
            JSON,
            CLOSE,
            "Transfer-Encoding: chunked",
            body=CHUNKED * 160 + b"0\r\n\r\n",
        ),
        TOO_LARGE,
    ),
    nasty(
        "10 GB announced, none sent",
        raw("POST /tenants HTTP/1.1", "Host: service", AS_PARENT, JSON, "Content-Length: 10737418240"),
        TOO_LARGE,
    ),
    nasty(
        "10 MB on a path without a body, then another request",
        raw("GET /health HTTP/1.1", "Host: service", f"Content-Length: {TEN_MEGABYTES}", body=b"x" * TEN_MEGABYTES)
        + AFTERWARDS,
        "413 body_too_large",
    ),
]

BODIES = [*ENCODINGS, *JSON_TEXT, *VALUES, *SIZES]
