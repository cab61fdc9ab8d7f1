"""Cursors: each position has exactly one text."""

import string
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_tenant_db.models.page_cursor import PageCursor

ORGANIZATION = UUID("019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a")
TENANT = UUID("019a9f3e-7a10-7c52-b2aa-0d1f5c7e9b44")
CURSOR = "AZqfPlwbfUKaUT8Mbx4regGanz56EHxSsqoNH1x-m0Q"
ALPHABET = string.ascii_letters + string.digits + "-_"


def test_a_cursor_is_short_and_fits_into_a_url() -> None:
    """The same key always gives the same 43 characters, none of which a URL must escape."""
    assert PageCursor(ORGANIZATION, TENANT).encode() == CURSOR
    assert len(CURSOR) == 43
    assert set(CURSOR) <= set(ALPHABET)


@given(st.uuids(), st.uuids())
def test_a_cursor_reads_back_as_it_was_written(organization_id: UUID, tenant_id: UUID) -> None:
    """Decoding a cursor returns both halves of its key in order."""
    cursor = PageCursor(organization_id, tenant_id)
    assert PageCursor.decode(cursor.encode()) == cursor


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(CURSOR[:-1], id="cut short"),
        pytest.param(CURSOR[:22], id="half"),
        pytest.param(CURSOR + "A", id="longer"),
        pytest.param(CURSOR + CURSOR, id="twice"),
        pytest.param(CURSOR + "=", id="padded"),
        pytest.param(CURSOR + "==", id="padded twice"),
        pytest.param(CURSOR[:-1] + "R", id="other unused bits"),
        pytest.param(CURSOR.replace("-", "+"), id="the other base64 alphabet"),
        pytest.param(CURSOR + "\n", id="line end"),
        pytest.param(" " + CURSOR, id="leading space"),
        pytest.param(CURSOR[:20] + " " + CURSOR[20:], id="space inside"),
        pytest.param(CURSOR[:20] + "." + CURSOR[21:], id="foreign character"),
        pytest.param(CURSOR[:20] + "é" + CURSOR[21:], id="not ASCII"),
        pytest.param(CURSOR[:20] + "\ud800" + CURSOR[21:], id="lone surrogate"),
        pytest.param(CURSOR[:20] + "\0" + CURSOR[21:], id="NUL"),
        pytest.param(str(TENANT), id="an identifier"),
    ],
)
def test_altered_text_is_refused(text: str) -> None:
    """Text that `encode` cannot have written is a ValueError, also where base64 would accept it."""
    with pytest.raises(ValueError, match=r"not a cursor|16-char"):
        PageCursor.decode(text)


@given(st.text() | st.text(ALPHABET + "+/=", min_size=42, max_size=45))
def test_text_is_the_one_cursor_of_its_position_or_none(text: str) -> None:
    """No two texts mean the same position: either decoding fails with ValueError, or encoding gives the text again."""
    try:
        cursor = PageCursor.decode(text)
    except ValueError:
        return
    assert cursor.encode() == text


@given(st.integers(0, 42), st.sampled_from(ALPHABET))
def test_another_character_never_reads_as_the_same_position(place: int, character: str) -> None:
    """A changed character makes the text invalid or another position."""
    altered = CURSOR[:place] + character + CURSOR[place + 1 :]
    try:
        cursor = PageCursor.decode(altered)
    except ValueError:
        return
    assert (cursor == PageCursor(ORGANIZATION, TENANT)) is (altered == CURSOR)
