"""A timing classifier, and how sure one may be of what it says."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp


@dataclass(frozen=True)
class Classifier:
    """Pairs of durations, (hidden, absent), of two requests sent one after the other in an order drawn by lot."""

    pairs: Sequence[tuple[float, float]]

    @property
    def auc(self) -> float:
        """How often a hidden id takes longer than an absent one, over all combinations; 0.5 tells nothing."""
        return 0.5 + sum(self._rank_differences()) / (2 * len(self.pairs) ** 2)

    @property
    def chance_of_so_much(self) -> float:
        """An upper bound of the probability of an AUC this far from 0.5 when hidden and absent are treated alike.

        Then the lot alone decides which of a pair's two durations is called hidden, whatever the machine's noise and
        however it drifts. So AUC - 1/2 is a sum of independent terms ±d/(2n²), d being a pair's difference in rank, and
        Hoeffding's inequality bounds it: P <= 2 exp(-2 n⁴ (AUC - 1/2)² / sum d²). No distribution is assumed.
        """
        spread = sum(difference**2 for difference in self._rank_differences())
        return min(1.0, 2 * exp(-2 * len(self.pairs) ** 4 * (self.auc - 0.5) ** 2 / spread)) if spread else 1.0

    def __str__(self) -> str:
        return f"{len(self.pairs):,} pairs, AUC {self.auc:.3f}, chance of so much at most {self.chance_of_so_much:.2g}"

    def _rank_differences(self) -> list[float]:
        ordered = sorted(duration for pair in self.pairs for duration in pair)
        return [_rank(ordered, hidden) - _rank(ordered, absent) for hidden, absent in self.pairs]


def _rank(ordered: list[float], duration: float) -> float:
    """Return the place among all durations; equal ones share the middle of their places."""
    return (bisect_left(ordered, duration) + bisect_right(ordered, duration)) / 2
