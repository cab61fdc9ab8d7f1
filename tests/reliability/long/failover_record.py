"""What one failover did, over several rounds."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class FailoverRecord:
    """A row of the table; seconds count from when the promotion was asked for."""

    what: str
    replication: str
    rounds: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    first_created: list[float] = field(default_factory=list)
    all_created: list[float] = field(default_factory=list)
    acknowledged: int = 0
    found: int = 0
    repeated: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Writes that were acknowledged and are not on the server that remains."""
        return self.acknowledged - self.found
