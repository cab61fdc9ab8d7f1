"""The metrics' interface to the routing of reads."""

from typing import Protocol


class ReadStatus(Protocol):
    """Counts since the start, and the lag of the moment."""

    @property
    def reads_on_primary(self) -> int:
        """How many reads of one message the primary answered."""

    @property
    def reads_on_standby(self) -> int:
        """How many a standby answered."""

    def lag(self) -> float:
        """Return how far the best standby is behind, in seconds."""
