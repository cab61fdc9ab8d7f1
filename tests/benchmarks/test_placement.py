"""The simulation of placement loses no row, is the same in every run, and does what small cases demand."""

from array import array
from pathlib import Path
from random import Random

import pytest

from benchmarks.placement.__main__ import SCENARIOS, main
from benchmarks.placement.balance import Balance
from benchmarks.placement.choices import CHOICES, by_hash, least_loaded, two_choices
from benchmarks.placement.fleet import MOVABLE, Fleet
from benchmarks.placement.population import Population
from benchmarks.placement.rebalancer import rebalance
from benchmarks.placement.scenario import Scenario
from benchmarks.placement.simulation import founded, live, outcomes, share_of_changed_hashes
from benchmarks.report.markdown import fill_section
from tests.support.sources import ROOT

SMALL = Scenario(
    tail=0.8, organizations=5_000, servers=10, largest=50_000, joining=0.01, leaving=0.005, batch=50, days=5, added=2
)


def fleet_of(*servers: list[float]) -> Fleet:
    """Make a fleet with organisations of these sizes, numbered from the first server's first on."""
    sizes = [size for server in servers for size in server]
    places = [number for number, server in enumerate(servers) for _ in server]
    scenario = Scenario(
        tail=1, organizations=len(sizes), servers=len(servers), largest=1, joining=0, leaving=0, growth=0, days=1
    )
    population = Population(scenario)
    population.first_sizes = array("d", sizes)
    fleet = Fleet(scenario, population)
    fleet.place(population.joining(0), lambda *_: places, Random(1))
    return fleet


def counted(fleet: Fleet, organizations: int) -> list[float]:
    """Count the rows of each server, organisation by organisation."""
    rows = [0.0] * len(fleet.loads)
    for organization in range(organizations):
        if (server := fleet.server_of(organization)) is not None:
            rows[server] += fleet.size(organization)
    return rows


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("bound", [None, 0.001])
def test_no_row_is_lost_or_counted_twice(choice: str, bound: float | None) -> None:
    """After days of growth, arrivals, departures and moves the loads are the sums of the organisations' sizes."""
    population = Population(SMALL)
    fleet = founded(SMALL, population, CHOICES[choice])
    assert sum(fleet.loads) == pytest.approx(sum(population.first_sizes[: SMALL.organizations]))
    days = live(SMALL, population, fleet, CHOICES[choice], bound)
    placed = population.joining(SMALL.days).stop
    assert placed == SMALL.organizations + SMALL.days * 50
    assert fleet.loads == pytest.approx(counted(fleet, placed))
    assert (sum(day.moves for day in days) > 0) is (bound is not None)
    gone = {one for day in range(1, SMALL.days + 1) for one in population.leaving(day)}
    assert gone
    assert {one for one in range(placed) if fleet.server_of(one) is None} == gone


@pytest.mark.parametrize("choice", CHOICES)
def test_two_runs_are_the_same(choice: str) -> None:
    """The same scenario gives the same outcome, another seed another one."""
    first, second = (list(outcomes(SMALL, Population(SMALL), choice)) for _ in range(2))
    assert first == second
    other = Scenario(**vars(SMALL) | {"seed": 2})
    assert list(outcomes(other, Population(other), choice)) != first


def test_the_ways_to_place_meet_the_same_organisations() -> None:
    """Placing in one way leaves the population as it is for the next."""
    population = Population(SMALL)
    used = [list(outcomes(SMALL, population, choice)) for choice in CHOICES]
    assert used == [list(outcomes(SMALL, Population(SMALL), choice)) for choice in CHOICES]


def test_sizes_have_the_tail_that_is_asked_for() -> None:
    """The largest organisation has the size of the bound, the hundredth about a hundredth with a tail of 1."""
    population = Population(Scenario(tail=1, organizations=100_000, largest=1_000_000, days=0))
    ordered = sorted(population.first_sizes, reverse=True)
    assert ordered[0] == 1_000_000
    assert ordered[99] == pytest.approx(10_000, rel=0.4)
    assert ordered[-1] == pytest.approx(10, rel=0.01)


def test_organisations_grow_from_the_day_they_join() -> None:
    """On the day of joining an organisation has its first size; each day adds its growth."""
    population = Population(SMALL)
    for organization, joined in ((0, 0), (population.joining(3).start, 3)):
        first = population.first_sizes[organization]
        assert population.size(organization, joined) == first
        assert population.size(organization, joined + 2) == pytest.approx(first + 2 * population.growth(organization))


def test_the_least_loaded_server_fills_first() -> None:
    """Each placement goes to the least load, where one placed before counts as a mean organisation."""
    assert least_loaded([30, 0, 12], 10, 4, Random(1)) == [1, 1, 2, 1]


def test_two_choices_take_the_less_loaded() -> None:
    """Of two servers the full one is chosen only when both choices fall on it: once in four."""
    chosen = two_choices([1e9, 0], 0, 4_000, Random(1))
    assert chosen.count(0) == pytest.approx(1_000, rel=0.1)


def test_a_hash_ignores_the_loads() -> None:
    """Each server is equally likely."""
    assert by_hash([1e9, 0], 0, 4_000, Random(1)).count(0) == pytest.approx(2_000, rel=0.1)


def test_few_moves_balance() -> None:
    """The largest organisation that fits is moved, from the fullest to the emptiest server, until all are within."""
    fleet = fleet_of([6_000, 4_000, 2_000], [2_000], [4_000])
    assert rebalance(fleet, 0.1) == (2, 6_000)
    assert [fleet.server_of(organization) for organization in range(5)] == [0, 1, 2, 1, 2]
    assert fleet.loads == [6_000, 6_000, 6_000]


def test_a_large_organisation_stays() -> None:
    """What alone exceeds the mean is not moved, and what is too small to be worth a move stays beside it."""
    fleet = fleet_of([50_000, MOVABLE - 1], [5_000], [5_000])
    assert rebalance(fleet, 0.1) == (0, 0.0)
    fleet = fleet_of([50_000, MOVABLE], [5_000], [5_000])
    assert rebalance(fleet, 0.1) == (1, MOVABLE)


def test_the_servers_beside_a_large_organisation_are_levelled() -> None:
    """A server that cannot be relieved does not raise the load that the others are brought to."""
    fleet = fleet_of([50_000], [MOVABLE] * 9, [MOVABLE])
    assert rebalance(fleet, 0.1) == (4, 4 * MOVABLE)
    assert fleet.loads == [50_000, 5 * MOVABLE, 5 * MOVABLE]


def test_added_servers_fill() -> None:
    """New servers get organisations until they are within the bound, though no other is above it."""
    fleet = fleet_of([MOVABLE] * 100, [MOVABLE] * 100, [MOVABLE] * 100)
    fleet.add_servers(1)
    moves, rows = rebalance(fleet, 0.1)
    assert (moves, rows) == (68, 68 * MOVABLE)
    assert min(fleet.loads) == fleet.loads[3] == 68 * MOVABLE


def test_a_copy_is_independent() -> None:
    """What is done to a copy leaves the original as it is."""
    fleet = fleet_of([3_000, 2_000], [1_000])
    copy = fleet.copy()
    copy.move(1, 1)
    copy.remove(0)
    copy.grow()
    assert (fleet.loads, fleet.day, fleet.server_of(0), fleet.server_of(1)) == ([5_000, 1_000], 0, 0, 0)
    assert (copy.loads, copy.day, copy.server_of(0), copy.server_of(1)) == ([0, 3_000], 1, None, 1)


def test_the_balance_is_relative_to_the_mean() -> None:
    """Of a hundred servers p99 is the second fullest."""
    balance = Balance.of([0.0, 30.0, 20.0, *[10.0] * 97])
    assert [balance.most, balance.p99, balance.least] == pytest.approx([30 / 10.2, 20 / 10.2, 0])


def test_hashes_change() -> None:
    """A modulo changes for most ids: from 1 server to 2 for half, from 100 to 110 for ten of eleven."""
    assert share_of_changed_hashes(1, 1) == 0.5
    assert share_of_changed_hashes(100, 10) == pytest.approx(10 / 11)


def test_the_command_writes_every_table(tmp_path: Path) -> None:
    """A small run fills every section of the report."""
    target = tmp_path / "placement.md"
    main(organizations=300, document=target)
    written = target.read_text(encoding="utf-8")
    for name in SCENARIOS:
        assert fill_section(written, f"{name}, balance", "") != written
        section = written.partition(f"<!-- {name}, balance -->")[2].partition("<!-- end")[0]
        assert section.count("\n| ") == 1 + 2 * len(CHOICES)
    assert (ROOT / "docs/reports/placement.md").read_text(encoding="utf-8") != written
