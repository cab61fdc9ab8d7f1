"""The organisations: sizes with a heavy tail, and growth."""

from array import array
from random import Random

from benchmarks.placement.scenario import Scenario

KINDS = 1_024
"""Number of different growth rates."""
SPREAD = 1.5
"""Standard deviation of the logarithm of the growth rates."""


class Population:
    """Organisations by number, in order of creation. An organisation grows linearly from the day it joins.

    All organisations of all days are drawn at once, so that every way to place them meets the same ones.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._first = scenario.organizations
        self._joining = scenario.joining_a_day
        self._random = Random(scenario.seed)  # noqa: S311 - the same organisations in every run
        drawn = [self._random.lognormvariate(0, SPREAD) for _ in range(KINDS)]
        self.rates = [scenario.growth * rate * KINDS / sum(drawn) for rate in drawn]
        """Growth a day as a share of the first size; organisation n has rate n modulo their number."""
        draw, largest, tail, ranks = self._random.random, scenario.largest, scenario.tail, scenario.organizations
        count = self._first + self._joining * scenario.days * 2
        self.first_sizes: array[float] = array("d", (largest / (1 + draw() * ranks) ** tail for _ in range(count)))
        """The sizes on joining."""
        self.first_sizes[self._random.randrange(self._first)] = largest
        self._leaving = [
            [self._random.randrange(self._first) for _ in range(scenario.leaving_a_day)]
            for _ in range(scenario.days * 2)
        ]

    def joining(self, day: int) -> range:
        """Return the numbers of the organisations that join on a day; on day 0, of all that are there at first."""
        if day == 0:
            return range(self._first)
        start = self._first + (day - 1) * self._joining
        return range(start, start + self._joining)

    def leaving(self, day: int) -> list[int]:
        """Return organisations that leave on a day from 1; some may have left before."""
        return self._leaving[day - 1]

    def size(self, organization: int, day: int) -> float:
        """Return the size at the end of a day."""
        after = organization - self._first
        joined = 1 + after // self._joining if after >= 0 else 0
        return self.first_sizes[organization] * (1 + self.rates[organization % KINDS] * (day - joined))

    def growth(self, organization: int) -> float:
        """Return how many rows an organisation gains a day."""
        return self.first_sizes[organization] * self.rates[organization % KINDS]
