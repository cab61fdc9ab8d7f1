"""A failover to be measured, and what is promised of it."""

from typing import NamedTuple

from tests.reliability.support.failovers import Failover


class FailoverCase(NamedTuple):
    """The goal is in seconds, from when the promotion is asked for to the next 201; None where nothing is promised."""

    what: str
    inflict: Failover
    goal: float | None
    synchronous: bool = True
    survivor: int = 1
    """Which of the two servers remains: 0 is the primary."""

    @property
    def replication(self) -> str:
        """Name the setting that makes the difference."""
        return "`remote_apply`" if self.synchronous else "asynchronous"
