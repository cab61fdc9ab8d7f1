"""Shared field types and their validation."""

import json
import re
import unicodedata
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from multi_tenant_db.schemas.documented_as import DocumentedAs

NAME_MAX_CHARACTERS = 200
METADATA_MAX_BYTES = 16_384
METADATA_MAX_DEPTH = 32
NUMBER_LIMIT = 2**53 - 1
"""Largest integer that every JSON parser reads exactly (RFC 7493, section 2.2).

It applies to fractions, too: PostgreSQL stores 1e300 with all digits, and clients must be able to write back what they
read.
"""

BLANK = r"\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""The characters that `str.strip` removes, for a regular expression."""
INVISIBLE = (
    r"\u0000-\u001f\u007f-\u009f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    r"\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    f"{''.join(chr(0x10000 * plane - 2) + chr(0x10000 * plane - 1) for plane in range(2, 16))}\U000f0000-\U0010ffff"
)
"""Controls, format characters (Unicode's category Cf), variation selectors, letters and notes without a glyph.

Also characters without a standard glyph: private use and noncharacters. Includes variation selectors after emoji.
"""
SPACES = r"\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""Characters that look like U+0020 SPACE."""
JOINERS = "\u200c\u200d"
JOINING_SCRIPTS = r"\u0600-\u109f\u1780-\u18af"
"""Blocks from Arabic to Myanmar, Khmer and Mongolian: the scripts whose letters need joiners between them."""
NAME_PATTERN = (
    f"^[{BLANK}]*[^{BLANK}{INVISIBLE}](?:[^{SPACES}{INVISIBLE}]{{0,{NAME_MAX_CHARACTERS - 2}}}[^{BLANK}{INVISIBLE}])?"
    f"[{BLANK}]*$"
)
"""Includes the length limit: `maxLength` would count the surrounding blanks, which are trimmed."""

BEGINS_WITH_A_MARK = "A name must not begin with a combining mark"

_UNSEEN = re.compile(f"[{INVISIBLE}]")
_UNUSUAL_SPACE = re.compile(f"[{SPACES}]")
_OF_A_JOINING_SCRIPT = re.compile(f"[{JOINING_SCRIPTS}]")


def clean_name(name: str) -> str:
    """Return the name trimmed and in Unicode's form NFC; refuse invisible characters and unusual spaces.

    Names that look the same may still differ, by letters of different alphabets.
    """
    name = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(name) <= NAME_MAX_CHARACTERS:
        raise PydanticCustomError(
            "name_length", "A name has 1 to {limit} characters after trimming", {"limit": NAME_MAX_CHARACTERS}
        )
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise PydanticCustomError("name_control_character", "A name has no control characters")
    if any(not _joins(name, found.start()) for found in _UNSEEN.finditer(name)):
        raise PydanticCustomError("name_invisible_character", "A name has no invisible characters")
    if _is_mark(name[0]):
        raise PydanticCustomError("name_leading_mark", BEGINS_WITH_A_MARK)
    if _UNUSUAL_SPACE.search(name):
        raise PydanticCustomError("name_odd_space", "A name has no spaces other than U+0020")
    return name


def _joins(name: str, position: int) -> bool:
    """Return whether an invisible character is a joiner between letters of a script that needs it."""
    before = name[:position]
    while before and _is_mark(before[-1]):
        before = before[:-1]
    return name[position] in JOINERS and _is_joined(before[-1:]) and _is_joined(name[position + 1 : position + 2])


def _is_joined(character: str) -> bool:
    is_letter = character and unicodedata.category(character)[0] in "LM"
    return bool(is_letter and _OF_A_JOINING_SCRIPT.match(character) and not _UNSEEN.match(character))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


def _refuse_what_json_readers_disagree_on(value: JsonValue, depth: int) -> None:
    match value:
        case dict() | list() if depth > METADATA_MAX_DEPTH:
            raise PydanticCustomError(
                "metadata_depth", "Metadata is nested at most {limit} levels deep", {"limit": METADATA_MAX_DEPTH}
            )
        case dict():
            for key, member in value.items():
                _refuse_what_json_readers_disagree_on(key, depth)
                _refuse_what_json_readers_disagree_on(member, depth + 1)
        case list():
            for member in value:
                _refuse_what_json_readers_disagree_on(member, depth + 1)
        case str() if "\0" in value:
            raise PydanticCustomError("metadata_nul", "Metadata holds no NUL characters")
        case int() | float() if not abs(value) <= NUMBER_LIMIT:  # negated, since comparisons with NaN are false
            raise PydanticCustomError(
                "metadata_number", "Numbers in metadata lie within ±(2^53 - 1); write larger ones as strings"
            )


def check_metadata(metadata: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuse what PostgreSQL cannot store or another JSON reader would read differently (RFC 7493)."""
    _refuse_what_json_readers_disagree_on(metadata, 1)
    size = len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode())
    if size > METADATA_MAX_BYTES:
        raise PydanticCustomError(
            "metadata_size", "Metadata is at most {limit} bytes of compact JSON", {"limit": METADATA_MAX_BYTES}
        )
    return metadata


TenantId = Annotated[
    UUID,
    Field(
        description="Identifier of a tenant, set by the database (UUID version 7, which sorts by time of creation).",
        examples=["019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a"],
    ),
]

TenantName = Annotated[
    str,
    AfterValidator(clean_name),
    Field(
        description=(
            "1 to 200 visible characters, unique inside the organisation; trimmed, Unicode NFC. No combining mark at "
            "the beginning; joiners only between letters of scripts that need them."
        ),
        examples=["HSBC Hong Kong"],
        json_schema_extra={"minLength": 1, "pattern": NAME_PATTERN},
    ),
]

Metadata = Annotated[
    dict[str, JsonValue],
    AfterValidator(check_metadata),
    DocumentedAs(dict[str, Any]),
    Field(
        description=("Free JSON object: at most 16 KiB, 32 levels deep, numbers within ±(2^53 - 1), no NUL."),
        examples=[{"country": "HK", "bic": "HSBCHKHHHKH", "currency": "HKD", "business_unit": "Wealth"}],
    ),
]
