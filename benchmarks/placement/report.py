"""The report's tables."""

from collections.abc import Sequence
from statistics import fmean

from benchmarks.placement.day import Day
from benchmarks.placement.outcome import Outcome
from benchmarks.placement.population import Population
from benchmarks.placement.scenario import Scenario
from benchmarks.placement.simulation import share_of_changed_hashes

Rows = list[list[str]]


def describe(scenario: Scenario, population: Population) -> str:
    """Describe the organisations of a scenario."""
    sizes = sorted(population.first_sizes[: scenario.organizations])
    total, median = sum(sizes), sizes[len(sizes) // 2]
    mean = total / scenario.servers
    return (
        f"{scenario.organizations:,} organisations with {total:,.0f} rows on {scenario.servers} servers: "
        f"the median organisation has {median:,.0f} rows, the largest {sizes[-1]:,.0f}, "
        f"which is {sizes[-1] / mean:.2f} times the mean load of a server ({mean:,.0f}). "
        f"A day: {scenario.joining_a_day:,} join, {scenario.leaving_a_day:,} leave, "
        f"and an organisation grows by {scenario.growth:.2%} in the mean. Seed {scenario.seed}."
    )


def balance_rows(outcomes: Sequence[Outcome]) -> Rows:
    """Balance and moves of the first days."""
    rows = [
        [
            *("placed by", "moves", "max/mean, day 0", "p99/mean"),
            *("max/mean, last day", "p99/mean"),
            *("moves on day 1", "rows on day 1", "moves a day later", "rows a day later"),
        ]
    ]
    for one in outcomes:
        last = one.days[-1].balance
        rows.append(
            [
                *(one.choice, _policy(one.bound)),
                *(f"{share:.2f}" for share in (one.start.most, one.start.p99, last.most, last.p99)),
                *_moves(one.days),
            ]
        )
    return rows


def addition_rows(outcomes: Sequence[Outcome]) -> Rows:
    """Balance and moves after servers were added."""
    rows = [
        [
            *("placed by", "moves", "max/mean, first day", "min/mean", "max/mean, last day", "min/mean"),
            *("moves on the first day", "rows on the first day", "moves a day later", "rows a day later"),
        ]
    ]
    for one in outcomes:
        first, last = one.after_addition[0].balance, one.after_addition[-1].balance
        rows.append(
            [
                *(one.choice, _policy(one.bound)),
                *(f"{share:.2f}" for share in (first.most, first.least, last.most, last.least)),
                *_moves(one.after_addition),
            ]
        )
    return rows


def describe_addition(scenario: Scenario) -> str:
    """Say what servers added to a placement by hash alone would move."""
    servers, added = scenario.servers, scenario.added
    return (
        f"{added} servers are added to {servers}. Were the server computed from the id at each request, "
        f"`hash modulo servers` would change for {share_of_changed_hashes(servers, added):.0%} of the organisations, "
        f"and a consistent hash for {added / (servers + added):.0%}, all at once. No label in a token changes."
    )


def _policy(bound: float | None) -> str:
    return "none" if bound is None else f"within {bound:.0%} of the mean"


def _moves(days: Sequence[Day]) -> list[str]:
    first, later = days[0], days[1:]
    moves, rows = fmean(day.moves for day in later), fmean(day.rows for day in later)
    return [f"{first.moves:,}", f"{first.rows:,.0f}", f"{moves:,.1f}", f"{rows:,.0f}"]
