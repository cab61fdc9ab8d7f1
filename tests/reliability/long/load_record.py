"""What one load saw."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class LoadRecord:
    """A row of the table; latencies are those of right answers, in milliseconds."""

    clients: int
    seconds: float
    seen: Counter[str]
    latencies: list[float]
    resident: list[int]
    acknowledged: int
    found: int
    complaints: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Right answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: int) -> float:
        """Return the time within which so many of a hundred right answers came."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else float("nan")
