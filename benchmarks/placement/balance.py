"""How evenly loads are spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Self


@dataclass(frozen=True)
class Balance:
    """Relative to the mean load: 1.0 is even."""

    most: float
    p99: float
    least: float

    @classmethod
    def of(cls, loads: Sequence[float]) -> Self:
        """Describe the loads of servers."""
        ordered, mean = sorted(loads), sum(loads) / len(loads)
        return cls(ordered[-1] / mean, ordered[ceil(len(ordered) * 0.99) - 1] / mean, ordered[0] / mean)
