"""One figure, measured in several rounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

ALWAYS_WHOLE = 100


@dataclass(frozen=True)
class Figure:
    """The median and the range of the values."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        """The median."""
        return median(self.values)

    def text(self, digits: int = 0, unit: str = "") -> str:
        """Format the median with the range."""
        if self.median >= ALWAYS_WHOLE:
            digits = 0
        low, high = (f"{value:,.{digits}f}" for value in (min(self.values), max(self.values)))
        spread = f" ({low}\u2013{high})" if low != high else ""
        return f"{self.median:,.{digits}f}{unit}{spread}"

    def __str__(self) -> str:
        return self.text()
