"""Strict JSON bodies with a size limit, driven as an ASGI server would."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from multi_tenant_db.errors import BodyTooLarge, MalformedJson, UnsupportedMediaType
from multi_tenant_db.http.strict_json_request import StrictJsonRequest
from multi_tenant_db.schemas import TenantUpdate

LIMIT = 100_000
JSON = "application/json"
DISCONNECT: Message = {"type": "http.disconnect"}


def arriving(*chunks: bytes) -> list[Message]:
    """Return the messages by which a server hands over a body in these chunks."""
    return [
        {"type": "http.request", "body": chunk, "more_body": place < len(chunks)}
        for place, chunk in enumerate(chunks, start=1)
    ]


def posted(messages: list[Message], content_type: str | None = JSON, length: str | None = None) -> StrictJsonRequest:
    """Return a request with these headers whose messages are taken from the list as they are read."""
    headers = {"content-type": content_type, "content-length": length}

    async def receive() -> Message:
        return messages.pop(0)

    return StrictJsonRequest(
        {
            "type": "http",
            "method": "POST",
            "path": "/tenants",
            "headers": [
                (name.encode(), value.encode("latin-1")) for name, value in headers.items() if value is not None
            ],
        },
        receive,
    )


async def read(*chunks: bytes) -> Any:
    """Return what a body of these chunks is parsed to."""
    request = posted(arriving(*chunks))
    await request.read_json(LIMIT)
    return await request.json()


async def refusal_of(body: bytes) -> str:
    """Return what the client is told about a malformed body."""
    with pytest.raises(MalformedJson) as refusal:
        await read(body)
    return str(refusal.value)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        " application/json ",
        "application/json;",
        "application/json;charset=utf-8",
        "application/json; charset=UTF-8",
        'application/json ; charset="utf-8"',
    ],
)
async def test_json_in_utf_8_is_accepted(content_type: str) -> None:
    """The media type is compared as RFC 9110 says, and the only charset is the one that JSON has."""
    request = posted(arriving(b'{"a": 1}'), content_type)
    await request.read_json(LIMIT)
    assert await request.json() == {"a": 1}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/merge-patch+json",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; version=1",
        "text/plain; application/json",
    ],
)
async def test_any_other_media_type_is_refused_unread(content_type: str | None) -> None:
    """A body that is not declared as JSON in UTF-8, or not declared at all, is not read."""
    messages = arriving(b'{"a": 1}')
    with pytest.raises(UnsupportedMediaType):
        await posted(messages, content_type).read_json(LIMIT)
    assert len(messages) == 1


@pytest.mark.parametrize("chunks", [[b'{"a": "12"}'], [b'{"a"', b"", b': "12"}'], [b'{"a": "12"}', b""]])
async def test_a_body_of_exactly_the_limit_is_accepted(chunks: list[bytes]) -> None:
    """The limit is the largest size that passes, in one piece or several."""
    request = posted(arriving(*chunks), length="11")
    await request.read_json(11)
    assert await request.json() == {"a": "12"}


async def test_a_body_that_is_declared_too_large_is_not_read() -> None:
    """One byte above the limit in Content-Length is refused before a byte is read."""
    messages = arriving(b'{"a": "123"}')
    with pytest.raises(BodyTooLarge, match="A body is at most 11 bytes"):
        await posted(messages, length="12").read_json(11)
    assert len(messages) == 1


@pytest.mark.parametrize("length", [None, "2", "11", "", "abc", "-1", "1_0", "\xb2", "0x10", "9" * 5000])
async def test_a_body_is_counted_whatever_its_length_is_said_to_be(length: str | None) -> None:
    """Reading stops at the chunk that exceeds the limit, also with a wrong or malformed Content-Length."""
    messages = arriving(b'{"a":', b' "123', b'"}', b" ", b" ")
    with pytest.raises(BodyTooLarge):
        await posted(messages, length=length).read_json(11)
    assert len(messages) == 2


@pytest.mark.parametrize("length", ["abc", "-1", "\xb2"])
async def test_a_malformed_length_does_not_hide_a_good_body(length: str) -> None:
    """A malformed Content-Length is left to the server, and the body is parsed."""
    request = posted(arriving(b"{}"), length=length)
    await request.read_json(LIMIT)
    assert await request.json() == {}


@pytest.mark.parametrize("messages", [[DISCONNECT], [*arriving(b'{"a": 1}', b"")[:1], DISCONNECT]])
async def test_an_interrupted_body_is_malformed(messages: list[Message]) -> None:
    """A body cut short is the client's failure, even when what arrived happens to be complete JSON."""
    with pytest.raises(MalformedJson, match="ended before it was complete"):
        await posted(messages).read_json(LIMIT)


@pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t"])
async def test_an_empty_body_is_refused(body: bytes) -> None:
    """An empty body, or one of white space, is refused."""
    assert "EOF" in await refusal_of(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'{"b":[{"a":1,"a":2}]}',
        b'{"":1,"":2}',
        '{"é":1,"\\u00e9":2}'.encode(),
    ],
)
async def test_duplicate_keys_are_refused(body: bytes) -> None:
    """Duplicate members are refused at any depth and in any spelling, since parsers disagree which one counts."""
    assert "duplicate key" in await refusal_of(body)


@pytest.mark.parametrize(
    "number", [b"NaN", b"nan", b"Infinity", b"-Infinity", b"inf", b"01", b"1.", b".5", b"+1", b"0x1"]
)
async def test_numbers_that_json_does_not_have_are_refused(number: bytes) -> None:
    """NaN, Infinity and loose spellings of numbers are refused, as members and alone."""
    await refusal_of(number)
    await refusal_of(b'{"a": [%s]}' % number)


async def test_an_integer_of_thousands_of_digits_is_refused() -> None:
    """An integer whose parsing would take quadratic time is refused as malformed."""
    assert "out of range" in await refusal_of(b'{"a": %s}' % (b"9" * 50_000))


@pytest.mark.parametrize(("number", "value"), [(b"1e999", math.inf), (b"-1e999", -math.inf)])
async def test_a_number_beyond_double_precision_is_left_to_validation(number: bytes, value: float) -> None:
    """1e999 is JSON and reads as infinity, which the rules of metadata then refuse as a 422."""
    body = await read(b'{"name": "HSBC", "metadata": {"a": %s}}' % number)
    assert body["metadata"] == {"a": value}
    with pytest.raises(ValueError, match="Numbers in metadata lie within"):
        TenantUpdate.model_validate(body)


@pytest.mark.parametrize(
    "text", [rb"\ud800", rb"\udfff", rb"\ud800\ud800", rb"\udc00\ud800", rb"\ud83dx", rb"\ud83d\n", rb"\uD83D\u0041"]
)
async def test_lone_surrogates_are_refused(text: bytes) -> None:
    """A lone surrogate is refused in values and keys, since PostgreSQL cannot store it."""
    await refusal_of(b'{"a": "%s"}' % text)
    await refusal_of(b'{"%s": 1}' % text)


async def test_a_surrogate_pair_is_a_character() -> None:
    """Both halves together are the character they stand for."""
    assert await read(rb'{"a": "\ud83c\udfe6"}') == {"a": "\U0001f3e6"}


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("closed", [True, False])
async def test_deep_nesting_is_refused(opening: bytes, closing: bytes, closed: bool) -> None:
    """Ten thousand levels are refused while parsing, long before the stack ends."""
    body = opening * 10_000 + (b"1" + closing * 10_000 if closed else b"")
    assert "recursion limit exceeded" in await refusal_of(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'\xef\xbb\xbf{"a": 1}', id="byte order mark"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param('{"a": 1}'.encode("utf-32-be"), id="UTF-32"),
        pytest.param(b'{"a": "\xe9"}', id="Latin-1"),
        pytest.param(b'{"a": "\xff"}', id="never a byte of UTF-8"),
        pytest.param(b'{"a": "\xc0\x80"}', id="overlong NUL"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="encoded surrogate"),
        pytest.param(b'{"a": "\xf4\x90\x80\x80"}', id="beyond Unicode"),
        pytest.param(b'{"a": "\xe2\x82"}', id="character cut short"),
    ],
)
async def test_only_utf_8_without_mark_is_accepted(body: bytes) -> None:
    """Other encodings, byte order marks and invalid UTF-8 are refused, not converted."""
    await refusal_of(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"a"}',
        b'{"a":1,}',
        b"[1,]",
        b"{'a':1}",
        b"{a:1}",
        b"{} {}",
        b"{}x",
        b"{}\0",
        b"/**/{}",
        b'{"a":"\t"}',
        b'"\\x41"',
    ],
)
async def test_what_lenient_parsers_forgive_is_refused(body: bytes) -> None:
    """Comments, trailing commas, other quotes, raw control characters and anything behind the value are malformed."""
    assert (await refusal_of(body)).startswith("Send one JSON object in UTF-8: ")


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda values: st.lists(values) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values),
    max_leaves=20,
)


@pytest.mark.exhaustive
@given(JSON_VALUES, st.booleans(), st.integers(0, 50))
async def test_json_reads_back_as_written_however_it_arrives(value: Any, ascii_only: bool, cut: int) -> None:
    """Whatever JSON another program writes, escaped or not, in one chunk or two, is read as the same value."""
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert await read(body[:cut], body[cut:]) == value
