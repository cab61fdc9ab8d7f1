"""Says in one line what a run left out and how to get it; with `--no-skips` the run fails for it."""

from collections import Counter

import pytest

from tests.support.programs import NEEDS, PACKAGES

ACCEPTED = {"postgraphile": "a peer of the benchmarks comes from a registry of npm, which not every machine reaches"}
"""What `--no-skips` lets pass: how the reason of the skip begins, and why it may be skipped."""


class SkippedTests:
    """Collects the tests that were skipped, or may fail, with the reason of each."""

    def __init__(self, *, refused: bool) -> None:
        self._refused = refused
        self._reasons: Counter[str] = Counter()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a whole file that was skipped."""
        self._note(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that was skipped, or that is expected to fail."""
        self._note(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run where nothing may be left out."""
        if self._holes() and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the line."""
        if self._reasons:
            terminalreporter.write_line(left_out(self._reasons), yellow=True)
        if self._holes():
            terminalreporter.write_line("error: --no-skips: these tests must run here", red=True)

    def _note(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        expected: str | None = getattr(report, "wasxfail", None)
        if expected is not None:
            self._reasons[f"expected to fail: {expected or 'no reason'}"] += 1
        elif report.skipped:
            reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self._reasons[reason.removeprefix("Skipped: ")] += 1

    def _holes(self) -> list[str]:
        return [reason for reason in self._reasons if self._refused and not reason.startswith(tuple(ACCEPTED))]


def left_out(reasons: Counter[str]) -> str:
    """Return one line about all that was skipped: the programs that are missing first, then every other reason."""
    programs = {name: count for name in sorted(PACKAGES) if (count := reasons[f"{NEEDS}{name}"])}
    parts = []
    if programs:
        install = " ".join(sorted({PACKAGES[name] for name in programs}))
        parts.append(
            f"{_tests(sum(programs.values()))} that need {', '.join(programs)} "
            f"(Debian: sudo apt-get install --no-install-recommends {install})"
        )
    others = {reason: count for reason, count in reasons.items() if reason.removeprefix(NEEDS) not in programs}
    parts += [f"{_tests(count)} ({' '.join(reason.split())})" for reason, count in sorted(others.items())]
    return f"Left out: {'; '.join(parts)}"


def _tests(count: int) -> str:
    return "1 test" if count == 1 else f"{count} tests"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take whether tests may be left out."""
    parser.addoption("--no-skips", action="store_true", help="Fail when a test is skipped that need not be.")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to collect."""
    config.pluginmanager.register(SkippedTests(refused=config.getoption("--no-skips")), "skipped-tests")
