"""The table of the long profile: a run of a part writes only that part."""

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.security.long_report import AUDIT, LONG, refuse_short_figures
from tests.support.long_row import LongRow, with_rows
from tests.support.marked_section import read_section
from tests.support.sources import ROOT

NOT_RUN = "The long profile has not been run on this version."
STORM, MODEL = "tests/security/test_storm.py::test_storm[1]", "tests/security/model/test_model.py::test_model"
SUITE = """
import pytest

FIGURES = "{figures}"


def test_a(record_property):
    record_property("a storm", FIGURES)


def test_b(record_property):
    record_property("a mixed-up storm", FIGURES)
    assert "wrong" not in FIGURES


@pytest.mark.skip(reason="there is no pooler")
def test_through_a_pooler(record_property):
    pass


def test_that_tells_nothing():
    pass
"""


def row(what: str, figures: str, test: str) -> LongRow:
    """Return a row of a test that passed."""
    return LongRow(what, figures, "passed, 0.1 min", "PostgreSQL 17", test)


def run_suite(folder: Path, figures: str, *arguments: str) -> str:
    """Run a small suite with the report, and return what its document then says of the long profile."""
    document = folder / "audit.md"
    if not document.exists():
        document.write_text(f"<!-- the long profile -->\n{NOT_RUN}\n<!-- end of the long profile -->\n")
        (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "tests" / "test_suite.py").write_text(SUITE.format(figures=figures))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.security.long_report"]
    options = [f"--rootdir={folder}", f"--long-report={document}", *(arguments or ["tests"])]
    environment = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run([*command, *options], cwd=folder, env=environment, capture_output=True, check=False)
    return read_section(document, "the long profile")


def test_a_row_replaces_what_its_test_told_before() -> None:
    """Rows of the tests that ran are new, those of the others stay, and the tests stand in order."""
    first = with_rows(NOT_RUN, [row("a storm", "1 request", STORM), row("the machine", "1 step", MODEL)])
    again = with_rows(first, [row("the storm", "2 requests", STORM), row("after it", "a | b", STORM)])
    assert first.splitlines()[2:] == [
        f"| the machine | 1 step | passed, 0.1 min | PostgreSQL 17 | `{MODEL}` |",
        f"| a storm | 1 request | passed, 0.1 min | PostgreSQL 17 | `{STORM}` |",
    ]
    assert again.splitlines() == [
        *first.splitlines()[:3],
        f"| the storm | 2 requests | passed, 0.1 min | PostgreSQL 17 | `{STORM}` |",
        rf"| after it | a \| b | passed, 0.1 min | PostgreSQL 17 | `{STORM}` |",
    ]
    assert NOT_RUN not in first


def test_a_run_writes_what_its_tests_tell(tmp_path: Path) -> None:
    """A figure, a failure and a skipped test each make a row; a run of one test alone leaves the other rows."""
    cells = [line.split(" | ")[:3] for line in run_suite(tmp_path, "7 wrong").splitlines()[2:]]
    assert cells == [
        ["| a storm", "7 wrong", "passed, 0.0 min"],
        ["| a mixed-up storm", "7 wrong", "**FAILED**"],
        ["| through a pooler", "there is no pooler", "skipped"],
    ]
    again = run_suite(tmp_path, "8 right", "tests/test_suite.py::test_b").splitlines()[2:]
    assert [line.split(" | ")[1:3] for line in again] == [
        ["7 wrong", "passed, 0.0 min"],
        ["8 right", "passed, 0.0 min"],
        ["there is no pooler", "skipped"],
    ]


@pytest.mark.parametrize("part", [[], ["MTDB_LONG"], ["MTDB_ATTACK_PROFILE"], list(LONG)])
def test_the_audit_takes_no_short_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, part: list[str]) -> None:
    """Only the whole long profile may write into the audit; into another document, any run."""
    for name in LONG:
        monkeypatch.delenv(name, raising=False)
    for name in part:
        monkeypatch.setenv(name, LONG[name])
    refuse_short_figures(tmp_path / "audit.md")
    with nullcontext() if part == list(LONG) else pytest.raises(pytest.UsageError, match="run `make test-long`"):
        refuse_short_figures(AUDIT)
