"""Fields that clients write: names without look-alikes, metadata that every JSON parser reads alike."""

import json
import math
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from multi_tenant_db.schemas.fields import (
    METADATA_MAX_BYTES,
    METADATA_MAX_DEPTH,
    NAME_PATTERN,
    check_metadata,
    clean_name,
)

VARIATION_SELECTORS = [
    *map(chr, range(0xFE00, 0xFE10)),
    *map(chr, range(0xE0100, 0xE01F0)),
    *"\u180b\u180c\u180d\u180f",
]
SHOW_NOTHING = "".join(["\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159", *VARIATION_SELECTORS])
LARGEST_INTEGER = 9_007_199_254_740_991


def nested(levels: int, container: str = "object") -> dict[str, Any]:
    """Return metadata of so many levels, the metadata itself being the first."""
    value: Any = "the innermost member is no level of its own"
    for _ in range(levels - 1):
        value = {"a": value} if container == "object" else [value]
    return {"a": value}


def metadata_of_bytes(size: int, character: str = "a") -> dict[str, Any]:
    """Return metadata whose compact JSON, {"a":"..."}, has exactly this size in UTF-8."""
    width = len(character.encode())
    repeated, rest = divmod(size - len('{"a":""}'), width)
    return {"a": character * repeated + "-" * rest}


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\x1f"])
def test_a_name_is_trimmed(blank: str) -> None:
    """White space around a name is dropped, whatever its kind; inside the name it stays."""
    assert clean_name(f"{blank}HSBC London{blank}") == "HSBC London"


def test_a_name_is_brought_into_one_form() -> None:
    """A letter with a combining accent and the accented letter give the same name."""
    assert clean_name("Cre\u0301dit") == clean_name("Cr\u00e9dit") == "Cr\u00e9dit"


@pytest.mark.untraced
@given(
    st.text(
        st.characters(exclude_categories=["C", "Z"], exclude_characters=SHOW_NOTHING, include_characters=" "),
        max_size=60,
    ).map("H".__add__)  # no combining mark comes first
)
def test_a_clean_name_stays_as_it_is(name: str) -> None:
    """Cleaning twice is cleaning once, so a name that was read can be written back without change."""
    cleaned = clean_name(name)
    assert clean_name(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)


@pytest.mark.parametrize("name", ["a", "a" * 200, " " + "é" * 200 + " ", "e\u0301" * 200, "\U0001f3e6" * 200])
def test_the_length_of_a_name_is_counted_in_characters_of_the_result(name: str) -> None:
    """One and two hundred characters are within the bounds, counted after trimming and composing, not in bytes."""
    assert len(clean_name(name)) in {1, 200}


@pytest.mark.parametrize("name", ["", " ", "\t\n", "a" * 201, "\u0958" * 101])
def test_a_name_of_no_or_too_many_characters_is_refused(name: str) -> None:
    """White space alone, or 201 characters after normalization, is refused."""
    with pytest.raises(PydanticCustomError, match="A name has 1 to 200 characters after trimming"):
        clean_name(name)


@pytest.mark.parametrize("character", ["\0", "\x01", "\t", "\n", "\x1b", "\x7f", "\x85", "\x9f"])
def test_a_name_with_a_control_character_is_refused(character: str) -> None:
    """Every control character of ASCII and Latin-1 is refused, NUL and line ends among them."""
    with pytest.raises(PydanticCustomError, match="no control characters"):
        clean_name(f"HSBC{character}London")


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"": ""},
        {"text": "São Paulo 匯豐 \U0001f3e6", "none": None, "yes": True, "list": [1, 2.5, [], {}]},
        {"zero": 0, "negative": -0.0, "tiny": 5e-324, "large": 9007199254740990.5},
        {"largest": LARGEST_INTEGER, "smallest": -LARGEST_INTEGER},
    ],
)
def test_ordinary_metadata_is_returned_unchanged(metadata: dict[str, Any]) -> None:
    """Every kind of JSON value passes, up to the bounds of numbers, and nothing is rewritten."""
    before = json.dumps(metadata)
    assert json.dumps(check_metadata(metadata)) == before


@pytest.mark.parametrize("container", ["object", "array"])
def test_metadata_is_nested_up_to_the_bound(container: str) -> None:
    """Thirty-two levels pass and thirty-three do not, whether of objects or of arrays."""
    assert METADATA_MAX_DEPTH == 32
    assert check_metadata(nested(32, container)) == nested(32, container)
    with pytest.raises(PydanticCustomError, match="at most 32 levels deep"):
        check_metadata(nested(33, container))


@pytest.mark.parametrize("innermost", [[], {}])
def test_an_empty_container_is_a_level(innermost: Any) -> None:
    """An empty object or array counts as a level like a full one."""
    metadata = nested(32)
    deepest = metadata
    while isinstance(deepest["a"], dict):
        deepest = deepest["a"]
    deepest["a"] = innermost
    with pytest.raises(PydanticCustomError, match="levels deep"):
        check_metadata(metadata)


@pytest.mark.parametrize("metadata", [{"a": "\0"}, {"\0": 1}, {"a": ["b\0c"]}, {"a": {"b\0": {}}}])
def test_metadata_with_nul_is_refused(metadata: dict[str, Any]) -> None:
    """NUL is refused in values and keys at any depth, since PostgreSQL does not store it."""
    with pytest.raises(PydanticCustomError, match="no NUL characters"):
        check_metadata(metadata)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e300, -1e300, float(2**53)])
@pytest.mark.parametrize("place", ["member", "element"])
def test_numbers_that_json_does_not_have_are_refused(number: float, place: str) -> None:
    """NaN, the infinities and numbers beyond 2^53 - 1 are refused at any depth."""
    with pytest.raises(PydanticCustomError, match="Numbers in metadata lie within"):
        check_metadata({"a": number} if place == "member" else {"a": [1, [number]]})


@pytest.mark.parametrize("number", [LARGEST_INTEGER + 1, -LARGEST_INTEGER - 1, 10**300, 2.0**53, -1e300])
def test_numbers_that_readers_would_round_are_refused(number: float) -> None:
    """What exceeds 2^53 - 1 is refused on either side of zero, with the advice to write it as a string."""
    with pytest.raises(PydanticCustomError, match="write larger ones as strings"):
        check_metadata({"a": [number]})


@pytest.mark.parametrize("character", ["a", "é", "匯", "\U0001f3e6"])
def test_the_size_of_metadata_is_counted_in_bytes(character: str) -> None:
    """Exactly 16,384 bytes of UTF-8 pass and one more does not, however many characters they are."""
    assert METADATA_MAX_BYTES == 16_384
    fitting, larger = (metadata_of_bytes(size, character) for size in (16_384, 16_385))
    assert check_metadata(fitting) == fitting
    with pytest.raises(PydanticCustomError, match="at most 16384 bytes of compact JSON"):
        check_metadata(larger)


@pytest.mark.untraced  # the generator of examples is what coverage would slow down
@settings(max_examples=30)  # each a whole tree
@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda values: st.lists(values) | st.dictionaries(st.text(), values),
        ),
    )
)
def test_what_passes_survives_any_strict_reader(metadata: dict[str, Any]) -> None:
    """Metadata is either refused, or valid JSON without NaN and NUL that reads back equal."""
    try:
        accepted = check_metadata(metadata)
    except PydanticCustomError:
        return
    written = json.dumps(accepted, allow_nan=False, ensure_ascii=True)
    assert json.loads(written) == metadata
    assert r"\u0000" not in written


@pytest.mark.parametrize(
    "name",
    ["\u200b", "\u00ad", "\u3164", "\u2800", "HS\u200bBC", "\u202eHSBC", "HSBC\u2066", "HSBC\u2060", "a\u180eb",
     "\U000e0041HSBC", "\u200dHSBC", "HSBC\u200c", "HS\u200d\u200dBC", "HS \u200dBC", "HSBC\ufeffBank",
     "HSBC\u200dLondon", "e\u0323\u200dHSBC", "HSBC\u200c\u0628", "\u0628\u200cHSBC",
     "\u0628\u200c\u200d\u0628", "\u0628\u200c", "\u0628 \u200c\u0628", "\u0661\u200c\u0661", "👨\u200d👩",
     "❤\ufe0f", "\U0001d159", "\ufff0", "\ufff8",
     "\ufdd0", "\ufdef", "\ufffe", "\uffff", "\U0001fffe", "\U0007ffff", "\U000efffe", "\ue000", "\uf8ff",
     "\U000f0000", "\U0010ffff", "\U000e0000", "\U000e0fff"],
)  # fmt: skip
def test_a_name_shows_every_character(name: str) -> None:
    """Characters that show nothing, or change how others are read, are refused, alone and among others."""
    with pytest.raises(PydanticCustomError, match="no invisible characters"):
        clean_name(name)


@pytest.mark.parametrize("before", ["", "HSBC London", "\U0001f3e6", "\u1820"])
def test_a_variation_selector_makes_no_other_name(before: str) -> None:
    """Variation selectors are refused everywhere, since most fonts ignore them and two names would look the same."""
    for selector in VARIATION_SELECTORS:
        with pytest.raises(PydanticCustomError, match="no invisible characters"):
            clean_name(before + selector)


@pytest.mark.parametrize("name", ["\u0301", " \u0301HSBC", "\u093f\u0915", "\u20dd", "\u0301\u0302"])
def test_a_name_does_not_begin_with_a_combining_mark(name: str) -> None:
    """It would combine with whatever stands before the name."""
    with pytest.raises(PydanticCustomError, match="combining mark"):
        clean_name(name)


@pytest.mark.untraced
def test_what_the_pattern_admits_is_a_name() -> None:
    """For each character, the pattern of the OpenAPI document refuses what the service does, but for leading marks."""
    for character in map(chr, [*range(0xD800), *range(0xE000, 0x20000), *range(0xDFFF0, 0xE1000)]):
        if re.search(NAME_PATTERN, f"H{character}H"):
            clean_name(f"H{character}H")


@pytest.mark.parametrize("name", ["HSBC\u00a0London", "HSBC\u3000London", "HSBC\u2009London"])
def test_a_name_has_ordinary_spaces(name: str) -> None:
    """Space characters other than U+0020 are refused, since the names would look the same."""
    with pytest.raises(PydanticCustomError, match=r"no spaces other than U\+0020"):
        clean_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "بانک\u200cها",  # noqa: RUF001 - Persian, as it is written
        "श्री\u200dबैंक",
        "क्\u200dष",
        "\u0628\u064b\u200c\u0628",
        "ᠮᠣᠩ\u200cᠭᠣᠯ",
        "👨👩👧 Bank",
        "❤",
        "匯豐",
        "Crédit Agricole",
        "O\u2019Neil & Söhne",
        "e\u0323\u0302 q\u0301",
    ],
)
def test_a_name_of_any_script_is_welcome(name: str) -> None:
    """Joiners stand where scripts need them: between two letters."""
    assert clean_name(name) == unicodedata.normalize("NFC", name)
