"""The parts of the documents that are made from the code: each between two comments that name it."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.documents.collection import collection_files
from tests.documents.problem_table import problem_table
from tests.documents.requirement_tables import requirement_tables
from tests.support.sources import ROOT

PARTS: dict[tuple[str, str], Callable[[], str]] = {
    ("docs/reference/http-api.md", "problems"): problem_table,
    ("docs/reports/requirements.md", "requirements"): requirement_tables,
}


def with_part(document: str, name: str, content: str) -> str:
    """Return the document with the content between the comments that name the part."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    assert len(pattern.findall(document)) == 1, f"the document has no place, or two, for {name}"
    return pattern.sub(lambda found: f"{found[1]}{content}{found[2]}", document)


def generated_files() -> dict[Path, str]:
    """Return every file that is made from the code alone, as it should be."""
    files = {ROOT / name: content for name, content in collection_files().items()}
    for (path, name), make in PARTS.items():
        file = ROOT / path
        files[file] = with_part(files.get(file) or file.read_text(encoding="utf-8"), name, make())
    return files
