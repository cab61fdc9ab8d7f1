"""Prints the attacks and their results: `pytest -p tests.security.attack_report --attack-report=PATH ...`."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from multi_tenant_db.development.postgres_releases import chosen_release
from tests.support.attack import Attack

RESULTS = pytest.StashKey[dict[str, tuple[Attack, str, str, str]]]()
HEADER = ("| Group | Attack | What the attacker hopes for | Result |", "|---|---|---|---|")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the path of the report."""
    parser.addoption("--attack-report", metavar="PATH", default=None, help="Write the table of attacks to this file.")


def pytest_configure(config: pytest.Config) -> None:
    """Begin an empty table."""
    config.stash[RESULTS] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note the result of every test that is marked as an attack; a failure in its fixtures counts as one."""
    report = yield
    attack = getattr(getattr(item, "function", None), "attack", None)
    if isinstance(attack, Attack) and (call.when == "call" or report.outcome != "passed"):
        hope = " ".join((item.function.__doc__ or "").split())  # type: ignore[attr-defined]  # a test has a function
        item.config.stash[RESULTS][item.nodeid] = (attack, _words(item.name), hope, report.outcome)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write the table to its file and print it."""
    path = config.getoption("--attack-report")
    if not path:
        return
    lines = _lines(list(config.stash[RESULTS].values()))
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    terminalreporter.section("attacks")
    for line in lines:
        terminalreporter.write_line(line)


def _lines(results: list[tuple[Attack, str, str, str]]) -> list[str]:
    results = sorted(results, key=lambda row: row[0].group)
    rows = [
        f"| {attack.group} | {name} | {hope} | {_result(attack, outcome)} |".replace("\n", " ")
        for attack, name, hope, outcome in results
    ]
    counts = {
        result: sum(_result(attack, outcome).startswith(result) for attack, _, _, outcome in results)
        for result in ("refused", "sees nothing", "stated residual", "skipped", "**SUCCEEDED**")
    }
    summary = ", ".join(f"{count} {result}" for result, count in counts.items() if count)
    return [f"{len(rows)} attacks on PostgreSQL {_server()}: {summary}.", "", *HEADER, *rows]


def _server() -> str:
    return "of the reader's own" if os.environ.get("MTDB_DATABASE_URL") else chosen_release()


def _result(attack: Attack, outcome: str) -> str:
    if outcome == "passed":
        return f"{attack.result}: {attack.reach}" if attack.reach else attack.result
    return "**SUCCEEDED**" if outcome == "failed" else outcome


def _words(name: str) -> str:
    test, _, case = name.removeprefix("test_").partition("[")
    words = test.replace("_", " ")
    return (f"{words} ({case.removesuffix(']')})" if case else words).replace("|", "\\|")
