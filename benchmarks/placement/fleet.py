"""The servers and what lies on them."""

from array import array
from collections.abc import Collection
from copy import deepcopy
from itertools import batched
from random import Random
from statistics import fmean
from typing import Self

from benchmarks.placement.choices import Choose
from benchmarks.placement.population import Population
from benchmarks.placement.scenario import Scenario

MOVABLE = 1_000
"""Rows from which on a rebalancer considers an organisation; smaller ones would be moved by the thousands."""


class Fleet:
    """Loads in rows. `movable[server]` are the numbers of its larger organisations."""

    def __init__(self, scenario: Scenario, population: Population) -> None:
        self._scenario = scenario
        self._population = population
        self._server_of = array("H")
        self._growth = [0.0] * scenario.servers
        self._left = bytearray()
        self.loads = [0.0] * scenario.servers
        self.movable: list[set[int]] = [set() for _ in self.loads]
        self.day = 0

    def copy(self) -> Self:
        """Return an independent copy with the same population."""
        return deepcopy(self, {id(shared): shared for shared in (self._scenario, self._population)})

    def mean_of(self, servers: Collection[int]) -> float:
        """Return the mean load of these servers."""
        return fmean(self.loads[server] for server in servers)

    def server_of(self, organization: int) -> int | None:
        """Return the organisation's server, or None after it left."""
        return None if self._left[organization] else self._server_of[organization]

    def size(self, organization: int) -> float:
        """Return the organisation's present size."""
        return self._population.size(organization, self.day)

    def place(self, organizations: range, choose: Choose, random: Random) -> None:
        """Place new organisations, in batches between two reports of the loads."""
        kinds = len(self._population.rates)
        rates, loads, growth = self._population.rates, self.loads, self._growth
        sizes = self._population.first_sizes[organizations.start : organizations.stop]
        self._left.extend(bytes(len(organizations)))
        placed = organizations.start
        for batch in batched(sizes, self._scenario.batch, strict=False):
            mean = sum(loads) / placed if placed else 1.0
            servers = choose(loads, mean, len(batch), random)
            self._server_of.extend(servers)
            for organization, (server, size) in enumerate(zip(servers, batch, strict=True), placed):
                loads[server] += size
                growth[server] += size * rates[organization % kinds]
                if size >= MOVABLE:
                    self.movable[server].add(organization)
            placed += len(batch)

    def remove(self, organization: int) -> None:
        """Remove an organisation, if it has not left before."""
        if (server := self.server_of(organization)) is not None:
            self.loads[server] -= self.size(organization)
            self._growth[server] -= self._population.growth(organization)
            self._left[organization] = True
            self.movable[server].discard(organization)

    def move(self, organization: int, target: int) -> float:
        """Move an organisation and return the number of its rows."""
        source, size = self._server_of[organization], self.size(organization)
        growth = self._population.growth(organization)
        self.movable[source].remove(organization)
        self.movable[target].add(organization)
        self.loads[source] -= size
        self.loads[target] += size
        self._growth[source] -= growth
        self._growth[target] += growth
        self._server_of[organization] = target
        return size

    def grow(self) -> None:
        """Let a day pass."""
        self.day += 1
        for server, growth in enumerate(self._growth):
            self.loads[server] += growth

    def add_servers(self, count: int) -> None:
        """Add empty servers."""
        self.loads += [0.0] * count
        self._growth += [0.0] * count
        self.movable += [set() for _ in range(count)]
