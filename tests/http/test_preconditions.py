"""Entity tags as RFC 9110 compares them: strongly for If-Match, weakly for If-None-Match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_tenant_db.errors import MalformedPrecondition
from multi_tenant_db.http.preconditions import entity_tag, version_condition, versions_matching

LARGEST_VERSION = 2**31 - 1
VERSIONS = st.integers(1, LARGEST_VERSION)

MALFORMED = [
    pytest.param("", id="empty"),
    pytest.param(" , ,", id="only commas"),
    pytest.param("1", id="no quotes"),
    pytest.param('"1', id="no closing quote"),
    pytest.param('1"', id="no opening quote"),
    pytest.param("'1'", id="single quotes"),
    pytest.param('w/"1"', id="small w"),
    pytest.param('W/ "1"', id="space behind W/"),
    pytest.param('W"1"', id="no slash"),
    pytest.param('"1" "2"', id="no comma"),
    pytest.param('"1""2"', id="nothing between"),
    pytest.param('"1";"2"', id="semicolon"),
    pytest.param('"1", 2', id="second without quotes"),
    pytest.param('"1 2"', id="space inside"),
    pytest.param('"1\t"', id="tab inside"),
    pytest.param('"\x7f"', id="DEL inside"),
    pytest.param('"1"\n', id="line end"),
    pytest.param('*, "1"', id="asterisk in a list"),
    pytest.param("**", id="two asterisks"),
    pytest.param('"*', id="asterisk in half a tag"),
]


def is_not_modified(if_none_match: str | None, version: int) -> bool:
    """Say whether If-None-Match names the version."""
    return not version_condition(None, if_none_match).holds_for(version)


@given(VERSIONS)
def test_a_version_is_matched_by_its_own_tag(version: int) -> None:
    """An ETag sent back unchanged matches exactly its version, in both headers."""
    assert versions_matching(entity_tag(version)) == frozenset({version})
    assert is_not_modified(entity_tag(version), version)


def test_the_tag_is_strong() -> None:
    """A version names one representation byte for byte, so its tag carries no W/."""
    assert entity_tag(12) == '"12"'


@pytest.mark.parametrize("header", [None, "*", " * "])
def test_no_if_match_and_an_asterisk_accept_any_version(header: str | None) -> None:
    """Without If-Match, and with `*`, a write does not depend on the version."""
    assert versions_matching(header) is None


def test_no_if_none_match_always_reads() -> None:
    """Without If-None-Match the client has nothing yet."""
    assert not is_not_modified(None, 1)


def test_an_asterisk_means_the_client_has_something() -> None:
    """`If-None-Match: *` matches whatever exists (RFC 9110, section 13.1.2)."""
    assert is_not_modified("*", 1)


def test_if_match_compares_strongly() -> None:
    """A weak tag never permits a write, not even of the very version it names (section 8.8.3.2)."""
    assert versions_matching('W/"1"') == frozenset()
    assert versions_matching('W/"1", "2"') == frozenset({2})


def test_if_none_match_compares_weakly() -> None:
    """A weak tag, as a compressing proxy makes it of ours, still gives a 304."""
    assert is_not_modified('W/"7"', 7)
    assert not is_not_modified('W/"7"', 8)


@pytest.mark.parametrize("header", ['"1","2"', '"1", "2"', '"1"\t ,\t"2"', ', "1",, ,"2" ,', ' "2" , "1" '])
def test_lists_may_have_blanks_and_empty_elements(header: str) -> None:
    """A list is read as RFC 9110, section 5.6.1, demands of recipients: in any order, with empty elements."""
    assert versions_matching(header) == frozenset({1, 2})
    assert [is_not_modified(header, version) for version in (1, 2, 3)] == [True, True, False]


@given(st.lists(VERSIONS, min_size=1, max_size=20), st.sampled_from([",", ", ", " ,\t", ",,"]))
def test_a_list_matches_all_of_its_versions(versions: list[int], separator: str) -> None:
    """However a list is written, each of its versions matches and no other."""
    header = separator.join(map(entity_tag, versions))
    assert versions_matching(header) == frozenset(versions)
    assert all(is_not_modified(header, version) for version in versions)
    assert not is_not_modified(header, max(versions) + 1)


@pytest.mark.parametrize(
    "header", ['"0"', '"01"', '"-1"', '"+1"', '"1.0"', '"1_0"', '""', '"x"', '"1,2"', '"W/1"', '"\xb2"', '"\xff"']
)
def test_tags_of_other_making_match_nothing(header: str) -> None:
    """A well-formed tag that is not in the service's own format matches no version."""
    assert versions_matching(header) == frozenset()
    assert not any(is_not_modified(header, version) for version in (1, 2, 10, 12))


@pytest.mark.parametrize("version", [LARGEST_VERSION + 1, 9_999_999_999, 10**40])
def test_versions_beyond_the_columns_type_match_nothing(version: int) -> None:
    """A number beyond the column's type is not sent to PostgreSQL."""
    assert versions_matching(f'{entity_tag(version)}, "1"') == frozenset({1})
    assert versions_matching(entity_tag(LARGEST_VERSION)) == frozenset({LARGEST_VERSION})


def test_a_list_has_at_most_a_hundred_tags() -> None:
    """A longer list is refused before it becomes a statement with more parameters than PostgreSQL takes."""
    tags = [entity_tag(version) for version in range(1, 102)]
    assert versions_matching(",".join(tags[:100])) == frozenset(range(1, 101))
    with pytest.raises(MalformedPrecondition, match="at most 100"):
        versions_matching(",".join(tags))
    with pytest.raises(MalformedPrecondition, match="at most 100"):
        is_not_modified(",".join(tags), 1)


@pytest.mark.parametrize("header", MALFORMED)
def test_malformed_headers_are_refused(header: str) -> None:
    """A malformed list of entity tags is an error in both headers, and the precondition is not skipped."""
    with pytest.raises(MalformedPrecondition):
        versions_matching(header)
    with pytest.raises(MalformedPrecondition):
        is_not_modified(header, 1)


@given(st.text('"W/*,; \t019x', max_size=30) | st.text(max_size=30))
def test_any_header_is_understood_or_malformed(header: str) -> None:
    """No header fails otherwise, and both headers agree on what is well formed and which versions it names."""
    try:
        versions = versions_matching(header)
    except MalformedPrecondition:
        with pytest.raises(MalformedPrecondition):
            is_not_modified(header, 1)
        return
    if versions is None:
        assert is_not_modified(header, 1)
    else:
        assert all(is_not_modified(header, version) for version in versions)


def test_a_long_malformed_header_is_refused_at_once() -> None:
    """The pattern never backtracks over what it has read: a megabyte takes no longer than reading it."""
    with pytest.raises(MalformedPrecondition):
        versions_matching('"1", ' * 200_000 + "x")
    with pytest.raises(MalformedPrecondition):
        versions_matching('"1"' + " ," * 500_000 + "x")
