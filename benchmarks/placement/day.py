"""One simulated day."""

from dataclasses import dataclass

from benchmarks.placement.balance import Balance


@dataclass(frozen=True)
class Day:
    """The balance at its end, and what was moved."""

    balance: Balance
    moves: int = 0
    rows: float = 0.0
