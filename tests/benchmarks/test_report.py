"""The report says what was found, and refuses what nobody checked."""

from pathlib import Path

import pytest

from benchmarks.figure import Figure
from benchmarks.load.wrong_response import WrongResponseError
from benchmarks.measures.plans import plan_defect
from benchmarks.measures.sample import Sample
from benchmarks.report.goal import Goal
from benchmarks.report.plots import PLOTS
from benchmarks.report.report import TABLES, fill, write_report
from benchmarks.results import Results
from tests.support.sources import ROOT

DOCUMENT = ROOT / "docs" / "reports" / "performance.md"
MACHINE = dict.fromkeys(("date", "processor", "memory", "system", "python", "postgresql", "settings"), "?") | {
    "cores": "2"
}


def results(*samples: Sample) -> Results:
    """Make the results of a run."""
    return Results("short", MACHINE, list(samples))


def sample(peer: str, number: int, rate: float, *, checked: int = 10) -> Sample:
    """Make one of the comparison's samples."""
    key = {"peer": peer, "operation": "GET by id", "workers": 1, "clients": 32}
    figures = {"per_second": rate, "p50": 1.0, "p95": 2.0, "service_cpu": 100_000 / rate, "postgres_cpu": 0.0}
    return Sample("comparison", number, key, 10, checked, figures)


def test_answers_that_nobody_checked_make_no_report(tmp_path: Path) -> None:
    """A run in which an answer was counted unseen is refused, and nothing is written."""
    with pytest.raises(WrongResponseError, match="9 checked"):
        write_report(results(sample("service", 0, 5.0, checked=9)), template=DOCUMENT, target=tmp_path / "report.md")
    assert not list(tmp_path.iterdir())


def test_a_ratio_is_that_of_neighbours() -> None:
    """Ratios are taken in each round, then their median: a machine that slows down changes none of them."""
    found = results(
        sample("service", 0, 300.0),
        sample("textbook", 0, 100.0),
        sample("service", 1, 30.0),
        sample("textbook", 1, 10.0),
    )
    text = fill(DOCUMENT.read_text(encoding="utf-8"), found, {})
    assert "| GET by id, requests a second against textbook | at least 3.5x | 3.00x | **not met** |" in text
    assert "| GET by id, requests a second against ceiling | at least 0.7x | - | not measured |" in text


def test_the_fastest_postgraphile_counts() -> None:
    """Of several versions, the goal is relative to the one with the most requests a second in this run."""
    found = results(sample("service", 0, 300.0), sample("postgraphile", 0, 100.0), sample("postgraphile 5", 0, 200.0))
    text = fill(DOCUMENT.read_text(encoding="utf-8"), found, {})
    goal = "| GET by id, requests a second against PostGraphile, the fastest version | at least 1.1x |"
    assert f"{goal} 1.50x | **met** |" in text


def test_the_document_has_a_place_for_every_table() -> None:
    """Each table's markers stand in the document once, and a document without them is refused."""
    text = DOCUMENT.read_text(encoding="utf-8")
    filled = fill(text, results(), {"cpu": "a picture"})
    assert "<!-- plot of cpu -->\na picture\n<!--" in filled
    assert fill(filled, results(), {}) == fill(text, results(), {})
    for name in (*TABLES, *(f"plot of {name}" for name in PLOTS)):
        with pytest.raises(ValueError, match=name):
            fill(text.replace(f"<!-- {name} -->", ""), results(), {})


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        (Goal("", Figure([3.0]), at_least=3), "**met**"),
        (Goal("", Figure([2.9, 9.0, 2.8]), at_least=3), "**not met**"),
        (Goal("", Figure([1.25]), at_most=1.25), "**met**"),
        (Goal("", Figure([1.26]), at_most=1.25), "**not met**"),
        (Goal("", None, at_most=1.25), "not measured"),
    ],
    ids=["enough", "median too low", "little enough", "too much", "nothing"],
)
def test_a_goal_is_judged_by_its_median(goal: Goal, verdict: str) -> None:
    """Met, not met, or not measured."""
    assert goal.verdict == verdict


@pytest.mark.parametrize(
    ("plan", "mismatch"),
    [
        (["Limit", "  ->  Index Scan using tenants_pkey", "InitPlan 1", "-> Result (actual rows=1 loops=1)"], None),
        (["InitPlan 2", "-> Result (never executed)"], None),
        (["Seq Scan on tenants"], "Seq Scan"),
        (["Sort", "  Sort Key: tenant_id"], "Sort"),
        (["InitPlan 1", "-> Result (actual rows=1 loops=20)"], "more than once"),
    ],
    ids=["good", "not needed", "whole table", "sorted", "once a row"],
)
def test_a_bad_plan_is_complained_about(plan: list[str], mismatch: str | None) -> None:
    """A plan that reads the table, sorts, or asks a policy's function for each row is bad."""
    found = plan_defect(plan)
    assert found is None if mismatch is None else mismatch in (found or "")
