"""Days in the life of a fleet."""

from collections.abc import Iterator
from random import Random

from benchmarks.placement.balance import Balance
from benchmarks.placement.choices import CHOICES, Choose
from benchmarks.placement.day import Day
from benchmarks.placement.fleet import Fleet
from benchmarks.placement.outcome import Outcome
from benchmarks.placement.population import Population
from benchmarks.placement.rebalancer import rebalance
from benchmarks.placement.scenario import Scenario

BOUNDS = (None, 0.1)
"""Without a rebalancer, and with one that keeps every load within this share of the mean."""


def outcomes(scenario: Scenario, population: Population, choice: str) -> Iterator[Outcome]:
    """Place all organisations by one of CHOICES, then simulate all days for each of BOUNDS."""
    choose = CHOICES[choice]
    start = founded(scenario, population, choose)
    for bound in BOUNDS:
        fleet = start.copy()
        days = live(scenario, population, fleet, choose, bound)
        fleet.add_servers(scenario.added)
        added = live(scenario, population, fleet, choose, bound)
        yield Outcome(choice, bound, Balance.of(start.loads), days, added)


def founded(scenario: Scenario, population: Population, choose: Choose) -> Fleet:
    """Return a fleet on which all first organisations were placed one after another; nothing was moved."""
    fleet = Fleet(scenario, population)
    fleet.place(population.joining(0), choose, _dice(scenario, 0))
    return fleet


def live(scenario: Scenario, population: Population, fleet: Fleet, choose: Choose, bound: float | None) -> list[Day]:
    """Let days pass: organisations grow, leave and join; then the rebalancer runs, unless `bound` is None."""
    lived = []
    for _ in range(scenario.days):
        fleet.grow()
        for organization in population.leaving(fleet.day):
            fleet.remove(organization)
        fleet.place(population.joining(fleet.day), choose, _dice(scenario, fleet.day))
        moves, rows = (0, 0.0) if bound is None else rebalance(fleet, bound)
        lived.append(Day(Balance.of(fleet.loads), moves, rows))
    return lived


def share_of_changed_hashes(servers: int, added: int) -> float:
    """Return the share of ids whose `hash modulo servers` is another server after servers were added."""
    values = servers * (servers + added)
    return sum(value % servers != value % (servers + added) for value in range(values)) / values


def _dice(scenario: Scenario, day: int) -> Random:
    return Random(f"{scenario.seed} {day}")  # noqa: S311 - the same choices in every run
