"""What is suppressed says why, at its place."""

import re
from pathlib import Path

from tests.support.sources import for_each, name_of, python_files

SUPPRESSION = re.compile(r"#\s*(?:(?:ruff|flake8): noqa|noqa|type: ignore|pragma: no cover|mypy:)")
REASONED = (
    re.compile(r"# (?:ruff: )?noqa: [A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)* - \S.{4,}"),
    re.compile(r"# type: ignore\[[a-z, -]+\]  # \S.{4,}"),
)


@for_each(python_files("src", "tests", "migrations", "scripts", "benchmarks", "examples"))
def test_a_suppression_has_a_reason(path: Path) -> None:
    """Each names its rule and its reason: `noqa: S105 - a SQLSTATE`, or `type: ignore[override]  # as in the base`."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if SUPPRESSION.search(line) and path != Path(__file__):
            reasoned = any(form.search(line) for form in REASONED)
            assert reasoned, f"{name_of(path)}:{number}: say why, or write it so that nothing is suppressed"
