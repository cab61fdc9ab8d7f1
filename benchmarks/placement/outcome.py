"""What became of one way to place organisations."""

from dataclasses import dataclass

from benchmarks.placement.balance import Balance
from benchmarks.placement.day import Day


@dataclass(frozen=True)
class Outcome:
    """The balance on day 0, the days that followed, and the days after servers were added."""

    choice: str
    bound: float | None
    start: Balance
    days: list[Day]
    after_addition: list[Day]
