"""A performance goal."""

from dataclasses import dataclass

from benchmarks.figure import Figure


@dataclass(frozen=True)
class Goal:
    """Met if the median is within `at_least` or `at_most`; `beside` is a related figure."""

    text: str
    found: Figure | None
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""
    digits: int = 2
    beside: str = ""

    @property
    def wanted(self) -> str:
        """The limit as text."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}{self.unit}"
        return f"at most {self.at_most:g}{self.unit}"

    @property
    def verdict(self) -> str:
        """The verdict as text."""
        if self.found is None:
            return "not measured"
        value = self.found.median
        met = value >= self.at_least if self.at_least is not None else value <= (self.at_most or 0)
        return "**met**" if met else "**not met**"
