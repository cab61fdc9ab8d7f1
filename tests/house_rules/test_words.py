"""Plain technical English: the subject of a sentence is a thing or a role, never a pronoun for an unknown person."""

import re
from pathlib import Path

import pytest

from tests.support.sources import ROOT, for_each, name_of, project_files

WHERE = (
    "docs",
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "Makefile",
    "migrations",
    "monitoring",
    "src",
    "scripts",
    "examples",
    "benchmarks",
    "tests/conftest.py",
    "tests/contract",
    "tests/database",
    "tests/documents",
    "tests/errors",
    "tests/examples",
    "tests/house_rules",
    "tests/http",
    "tests/identity",
    "tests/integration",
    "tests/jobs",
    "tests/lint",
    "tests/migrations",
    "tests/models",
    "tests/moving",
    "tests/mutants",
    "tests/observability",
    "tests/protecting",
    "tests/records",
    "tests/schema",
    "tests/schemas",
    "tests/security",
    "tests/server",
    "tests/services",
    "tests/testing",
    "tests/writes",
)
"""Files and folders that the rule is about."""

WORDS = re.compile(r"\b(?:nobody|whoever|somebody|everybody|anybody|he|his|him|himself)(?:'s)?\b", re.IGNORECASE)
ALLOWED = (
    "`nobody`",
    '"nobody"',
    "when nobody repeats a request with it any more",
    "it has expired nobody repeats a request with the key any more",
)
"""The operating system's account of this name; comments of functions as 1.0.0 has them, which a migration replaces."""

BINARY = {".png"}
FILES = [
    path
    for path in project_files()
    if path.suffix not in BINARY
    and path != Path(__file__)
    and any(path.is_relative_to(ROOT / place) for place in WHERE)
]


def words_in(text: str) -> list[str]:
    """Return the words of the list that a text uses."""
    for allowed in ALLOWED:
        text = text.replace(allowed, "")
    return WORDS.findall(text)


@for_each(FILES)
def test_a_file_names_the_thing_or_the_role(path: Path) -> None:
    """No file has a word of the list; of the changelog, its newest section counts."""
    text = path.read_text(encoding="utf-8")
    if path.name == "CHANGELOG.md":
        text = "\n## ".join(text.split("\n## ")[:2])
    found = words_in(text)
    assert not found, (
        f"{name_of(path)} says {sorted(set(found))}: name the role (the caller, the operator) or the thing"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Nobody reads another's rows, and he knows it.", ["Nobody", "he"]),
        ("everybody's rights, his own", ["everybody's", "his"]),
        ("The account `nobody` runs it; this, the and history are no such words.", []),
        ("test_nobody_reads is the name of a test", []),
    ],
)
def test_a_word_of_the_list_is_noticed(text: str, found: list[str]) -> None:
    """The rule itself reads whole words in any case, and spares the account and the names of tests."""
    assert words_in(text) == found


def test_every_place_has_files() -> None:
    """Each place that the rule names is there."""
    assert all(any(path.is_relative_to(ROOT / place) for path in FILES) for place in WHERE)
