"""How a client behaves between two requests."""

from typing import NamedTuple


class Pauses(NamedTuple):
    """Seconds before a request is tried again, and before the next one is sent."""

    retry: float = 0.05
    think: float = 0.0


IMPATIENT = Pauses()
AS_TOLD = Pauses(retry=1.0)
"""As long as Retry-After says."""
