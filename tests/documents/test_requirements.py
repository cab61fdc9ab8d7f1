"""The list of requirements is complete and names tests, targets and files that exist."""

import ast
import re

from tests.documents.requirement import Requirement
from tests.documents.requirement_list import CHAPTERS
from tests.support.sources import ROOT, parse

REQUIREMENTS = [requirement for chapter in CHAPTERS.values() for requirement in chapter]


def test_the_identifiers_are_complete() -> None:
    """Each letter counts from 1 without a gap."""
    ids = [requirement.id for requirement in REQUIREMENTS]
    assert ids == [
        f"{letter}{n}"
        for letter, last in zip("FSDQPEW", (7, 4, 4, 5, 4, 4, 4), strict=True)
        for n in range(1, last + 1)
    ]


def test_what_shows_a_requirement_exists() -> None:
    """Every test that is named is a function in its file, every target is in the Makefile, every file is there."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for requirement in REQUIREMENTS:
        for evidence in requirement.shown_by:
            path, _, test = evidence.partition("::")
            if evidence.startswith("make "):
                assert re.search(rf"^{evidence[5:]}:", makefile, re.MULTILINE), evidence
            elif path.startswith("docs/"):
                continue  # the house rules look for every path that a document names
            elif not (ROOT / path).is_file():
                functions = {
                    node.name
                    for node in ast.walk(parse(ROOT / "tests" / path))
                    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                }
                assert any(name.startswith("test_") for name in functions), evidence
                assert not test or test in functions, evidence


def test_the_state_follows_from_what_is_shown() -> None:
    """Nothing to show is open, a remark is partly, figures are measured, and only the rest is met."""
    assert Requirement("X", "", ("make bench",), measured=True).state == "measured"
    assert Requirement("X", "", (), "later").state == "open"
    assert Requirement("X", "", ("make test",), "later").state == "partly"
    assert Requirement("X", "", ("make test",)).state == "met"
    assert all(requirement.shown_by or requirement.remark for requirement in REQUIREMENTS)
