"""What was seen of reads from a standby in one situation."""

from dataclasses import dataclass, field
from statistics import median


@dataclass
class StandbyRecord:
    """Times in seconds after the primary acknowledged the change."""

    situation: str
    revoked_accepted: list[float] = field(default_factory=list)
    """When the last request with the revoked token was sent that was accepted; 0.0 when none was."""
    changes_unseen: list[float] = field(default_factory=list)
    """When the last request was sent that did not show a change made past the service."""
    own_writes: int = 0
    own_writes_unseen: int = 0
    reads_on_primary: int = 0
    reads_on_standby: int = 0
    failures: int = 0

    @property
    def complaints(self) -> list[str]:
        """What must not happen."""
        found = {"own writes not read": self.own_writes_unseen, "failed reads": self.failures}
        return [f"{self.situation}: {count} {what}" for what, count in found.items() if count]


def standby_rows(records: list[StandbyRecord]) -> list[list[str]]:
    """Return the table of reads from a standby."""
    head = [
        "situation (rounds)",
        "reads answered by the standby",
        "revoked token accepted until, median",
        "worst",
        "change past the service unseen until, median",
        "worst",
        "own writes",
        "of these not read at once",
        "failed reads",
    ]
    return [head] + [
        [
            f"{record.situation} ({len(record.revoked_accepted)})",
            f"{record.reads_on_standby / max(1, record.reads_on_standby + record.reads_on_primary):.0%}",
            *_median_and_worst(record.revoked_accepted),
            *_median_and_worst(record.changes_unseen),
            f"{record.own_writes:,}",
            str(record.own_writes_unseen),
            str(record.failures),
        ]
        for record in records
    ]


def _median_and_worst(seconds: list[float]) -> list[str]:
    return [f"{1_000 * value:,.0f} ms" for value in (median(seconds), max(seconds))]
