"""Tells what the suites did at length: `pytest -p tests.security.long_report --long-report=DOCUMENT ...`.

A test tells its figures by pytest's `record_property`: what was run, and what it did. They go into the section "the
long profile" of the document, in place of what the same tests told before; a run of some tests leaves the rest.
"""

import os
from pathlib import Path

import pytest

from tests.support.long_row import LongRow, with_rows
from tests.support.marked_section import read_section, write_section
from tests.support.sources import ROOT
from tests.support.tested_server import IS_OURS, SERVER

AUDIT = ROOT / "docs" / "reports" / "security-audit.md"
SECTION = "the long profile"
LONG = {"MTDB_ATTACK_PROFILE": "long", "MTDB_LONG": "1"}
SECONDS_A_MINUTE = 60


class LongReport:
    """Collects the figures of the tests that record any, and why such a test was skipped."""

    def __init__(self, document: Path | None) -> None:
        self._document = document
        self._recording: set[str] = set()
        self._rows: dict[str, list[LongRow]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note which tests record figures."""
        self._recording = {item.nodeid for item in items if "record_property" in getattr(item, "fixturenames", ())}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a test did; whatever it did, a failure before, in or after it is one."""
        test = report.nodeid
        if test not in self._recording or (report.when != "call" and report.passed):
            return
        if report.skipped:
            reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self._rows[test] = [LongRow.without_figures(test, "skipped", SERVER, reason.removeprefix("Skipped: "))]
            return
        result = "**FAILED**" if report.failed else f"passed, {report.duration / SECONDS_A_MINUTE:.1f} min"
        rows = [LongRow(what, str(figures), result, SERVER, test) for what, figures in report.user_properties]
        self._rows[test] = rows or [LongRow.without_figures(test, result, SERVER)]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the rows, and write them into the document if there is one and we know the server."""
        rows = [row for test in sorted(self._rows) for row in self._rows[test]]
        terminalreporter.section(SECTION)
        for row in rows:
            terminalreporter.write_line(str(row))
        if self._document and rows and IS_OURS:
            write_section(self._document, SECTION, with_rows(read_section(self._document, SECTION), rows))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take where the figures go."""
    parser.addoption("--long-report", type=Path, metavar="DOCUMENT", help="Write the long profile's figures there.")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to collect; the audit takes no figures of the short profile."""
    document: Path | None = config.getoption("--long-report")
    refuse_short_figures(document)
    config.pluginmanager.register(LongReport(document), "long-report")


def refuse_short_figures(document: Path | None) -> None:
    """Raise when the audit would be given figures of a run that is not wholly in the long profile."""
    if document and document.resolve() == AUDIT and any(os.environ.get(name) != value for name, value in LONG.items()):
        raise pytest.UsageError(f"{AUDIT.name} tells of the long profile alone: run `make test-long`")
