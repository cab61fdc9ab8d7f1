"""What is simulated."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """Sizes are numbers of rows; shares are per day, of the organisations or of their rows at the start.

    An organisation's size is unknown when it is placed. Servers report their loads after every `batch` organisations.
    """

    tail: float
    """Exponent of the sizes: of N organisations, the k-th largest has about `largest` / k^tail rows."""
    organizations: int = 10_000_000
    servers: int = 100
    largest: int = 20_000_000
    joining: float = 0.000_5
    leaving: float = 0.000_2
    growth: float = 0.000_5
    """Mean growth of an organisation; rates differ widely (log-normal)."""
    batch: int = 1_000
    days: int = 30
    added: int = 10
    """Servers added after these days; as many days follow."""
    seed: int = 1

    @property
    def joining_a_day(self) -> int:
        """Number of new organisations a day."""
        return round(self.organizations * self.joining)

    @property
    def leaving_a_day(self) -> int:
        """Number of organisations that leave a day."""
        return round(self.organizations * self.leaving)
