"""Tells the attacks and their results: `pytest -p tests.security.attack_report --attack-report ...`.

A whole run writes them into docs/reports/security-audit.md. On the newest release that can be embedded it writes every
attack; on another release, such as the oldest one supported, only the summary.
"""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any

import pytest

from multi_tenant_db.development.postgres_releases import DEFAULT_RELEASE, chosen_release
from tests.support.attack import GROUPS, Attack
from tests.support.attack_outcome import SUCCEEDED, AttackOutcome
from tests.support.markdown_table import table
from tests.support.marked_section import write_section
from tests.support.sources import ROOT
from tests.support.tested_server import IS_OURS, SERVER

AUDIT = ROOT / "docs" / "reports" / "security-audit.md"
OUTCOMES = pytest.StashKey[dict[str, AttackOutcome]]()
RESULTS = ("refused", "sees nothing", "residual", "skipped", SUCCEEDED)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take what is to become of the results."""
    parser.addoption("--attack-report", action="store_true", help="Write the attacks and their results into the audit.")


def pytest_configure(config: pytest.Config) -> None:
    """Begin an empty table."""
    config.stash[OUTCOMES] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note the result of every test that is marked as an attack; a failure in its fixtures counts as one."""
    report = yield
    function = getattr(item, "function", None)
    attack = getattr(function, "attack", None)
    if isinstance(attack, Attack) and (report.when == "call" or report.outcome != "passed"):
        hope = " ".join((function.__doc__ or "").split())
        test = item.nodeid.partition("[")[0]
        item.config.stash[OUTCOMES][item.nodeid] = AttackOutcome(attack, test, hope, report.outcome)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the results over, where this is one process of several."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["attacks"] = {case: asdict(outcome) for case, outcome in session.config.stash[OUTCOMES].items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over the results of a process that has ended."""
    for case, outcome in getattr(node, "workeroutput", {}).get("attacks", {}).items():
        node.config.stash[OUTCOMES][case] = AttackOutcome(**outcome | {"attack": Attack(**outcome["attack"])})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the attacks, and write them into the audit if so asked."""
    outcomes = sorted(
        config.stash[OUTCOMES].values(), key=lambda outcome: (GROUPS.index(outcome.attack.group), outcome.test)
    )
    terminalreporter.section("attacks")
    for row in _rows(outcomes):
        terminalreporter.write_line("  ".join(row))
    terminalreporter.write_line(_summary(outcomes))
    if not (config.getoption("--attack-report") and IS_OURS):
        return
    write_section(AUDIT, f"attacks on {SERVER}", _summary(outcomes))
    if chosen_release() == DEFAULT_RELEASE:
        write_section(AUDIT, "attacks", "\n\n".join(_chapters(outcomes)))
        write_section(AUDIT, "residuals", table(("What remains", "Shown by"), _residuals(outcomes)))


def _rows(outcomes: list[AttackOutcome]) -> list[tuple[str, ...]]:
    return [_row(list(cases)) for _, cases in groupby(outcomes, key=lambda outcome: outcome.test)]


def _row(cases: list[AttackOutcome]) -> tuple[str, ...]:
    one = cases[0]
    return one.hope, ", ".join(sorted({case.result for case in cases})), f"`{one.test}`"


def _chapters(outcomes: list[AttackOutcome]) -> Iterator[str]:
    """Yield for each group its heading, its counts and its table."""
    for group in GROUPS:
        cases = [outcome for outcome in outcomes if outcome.attack.group == group]
        attacks = len({case.test for case in cases})
        yield f"### {group[0].upper()}{group[1:]}"
        yield f"{attacks} attacks in {len(cases)} cases: {_counted(cases)}."
        yield table(("The attacker's hope", "Result", "Test"), _rows(cases))


def _residuals(outcomes: list[AttackOutcome]) -> list[tuple[str, ...]]:
    reaches = {case.test: case.attack.reach for case in outcomes if case.attack.reach}
    return [(f"{reach[0].upper()}{reach[1:]}.", f"`{test}`") for test, reach in reaches.items()]


def _summary(outcomes: list[AttackOutcome]) -> str:
    attacks = len({outcome.test for outcome in outcomes})
    return f"{attacks} attacks in {len(outcomes)} cases on {SERVER}: {_counted(outcomes)}."


def _counted(outcomes: Iterable[AttackOutcome]) -> str:
    counts = Counter(outcome.result for outcome in outcomes)
    return ", ".join(f"{counts[result]} {result}" for result in RESULTS if counts[result])
