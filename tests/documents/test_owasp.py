"""The page on OWASP's cheat sheet answers every point of it, each with tests or as out of scope."""

import re

from tests.support.sources import ROOT

PAGE = ROOT / "docs" / "explanation" / "owasp.md"
POINTS = {"1": 5, "2": 4, "3": 4, "4": 4, "5": 5, "6": 5, "7": 5, "8": 5}
"""The number of points in each numbered section of the sheet; of section 2, its strategies and its samples of code."""

SECTION = re.compile(r"^## (\d)\. \[[^\]]+\]\(https://cheatsheetseries\.owasp\.org/.*#(\d)-[a-z-]+\)$", re.MULTILINE)
TESTS = re.compile(r"`tests/[\w/]+\.py::test_\w+`(, `tests/[\w/]+\.py::test_\w+`)*")


def rows_of(section: str) -> list[list[str]]:
    """Return the cells of each row of a section's table, without its head."""
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def sections() -> dict[str, str]:
    """Return the text of each numbered section."""
    parts = SECTION.split(PAGE.read_text(encoding="utf-8"))
    assert parts[1::3] == parts[2::3], "a heading links to another section of the sheet"
    return {number: text.partition("\n## ")[0] for number, text in zip(parts[1::3], parts[3::3], strict=True)}


def test_every_point_has_a_row() -> None:
    """Each numbered section of the sheet has a section here, with a row for each of its points."""
    assert {number: len(rows_of(text)) for number, text in sections().items()} == POINTS


def test_every_row_names_a_test_or_is_out_of_scope() -> None:
    """A row names tests, which another rule looks for, or says why the point is out of scope."""
    rows = rows_of(PAGE.read_text(encoding="utf-8"))
    assert len(rows) > sum(POINTS.values())
    for row in rows:
        assert len(row) == 3, row
        _, answer, shown = row
        if shown == "shown by":
            continue
        assert answer
        assert TESTS.fullmatch(shown) or (not shown and "*Out of scope*" in answer), row
