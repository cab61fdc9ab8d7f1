"""What happened in a storm."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class StormTally:
    """Counts, and every answer that was not right; `fate` is what became of the requests that were abandoned."""

    statuses: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    rows_judged: int = 0
    kills: int = 0
    revocations: int = 0
    abandoned: int = 0
    fate: str = "abandoned"
    waited_in_vain: int = 0
    wrongs: list[str] = field(default_factory=list)
    created: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    perhaps_deleted: set[str] = field(default_factory=set)

    @property
    def requests(self) -> int:
        """Requests sent, answered or not."""
        return sum(self.statuses.values()) + self.abandoned

    def __str__(self) -> str:
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))
        return (
            f"{self.requests:,} requests; {self.statuses.total():,} answers ({statuses}) and {self.rows_judged:,} rows"
            f" judged, {len(self.wrongs)} wrong; {self.abandoned:,} requests {self.fate}, {self.kills:,} backends"
            f" killed, {self.revocations:,} tokens revoked or expired"
        )
