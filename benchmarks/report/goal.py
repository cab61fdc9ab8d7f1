"""Something the service shall reach."""

from dataclasses import dataclass

from benchmarks.figure import Figure


@dataclass(frozen=True)
class Goal:
    """Met when the median is on the right side of `limit`; `beside` is another view of the same."""

    text: str
    found: Figure | None
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""
    digits: int = 2
    beside: str = ""

    @property
    def wanted(self) -> str:
        """The limit, in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}{self.unit}"
        return f"at most {self.at_most:g}{self.unit}"

    @property
    def verdict(self) -> str:
        """Whether it is met."""
        if self.found is None:
            return "not measured"
        value = self.found.median
        met = value >= self.at_least if self.at_least is not None else value <= (self.at_most or 0)
        return "**met**" if met else "**not met**"
