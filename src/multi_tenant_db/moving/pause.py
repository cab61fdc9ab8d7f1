"""A pause of the organisation's writes."""

import asyncio
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Pause:
    """When it began, and when it ends by itself."""

    ends: datetime
    """By the source's clock."""
    began_at: float
    """By the loop's clock, in seconds; it may be some milliseconds earlier than the source's."""
    ends_at: float

    @property
    def seconds(self) -> float:
        """How long it has lasted."""
        return asyncio.get_running_loop().time() - self.began_at
