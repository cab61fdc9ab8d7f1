"""The generated parts of the documents are current."""

from pkgutil import iter_modules

import pytest

from multi_tenant_db import errors
from tests.documents.generated import generated_files, with_part
from tests.documents.problem_table import problem_table
from tests.support.sources import name_of

FILES = {name_of(path): (path, content) for path, content in generated_files().items()}


@pytest.mark.parametrize("name", FILES)
def test_generated_files_are_current(name: str) -> None:
    """Each generated file, or part of a document, is what `make docs` would write."""
    path, content = FILES[name]
    assert path.read_text(encoding="utf-8") == content, f"`make docs` writes {name} anew"


def test_every_problem_has_a_row() -> None:
    """No error of the API is missing from the guide."""
    rows = problem_table().splitlines()
    assert len(rows) - 2 == len([*iter_modules(errors.__path__)]) - 1
    assert all(row.count("|") == 5 for row in rows)


def test_a_part_has_exactly_one_place() -> None:
    """A document that lost the comments around a part, or has them twice, is noticed."""
    assert (
        with_part("a\n<!-- x -->\nold<!-- end of x -->\nb", "x", "new\n") == "a\n<!-- x -->\nnew\n<!-- end of x -->\nb"
    )
    with pytest.raises(AssertionError):
        with_part("a", "x", "new")
