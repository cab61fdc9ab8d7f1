"""The metrics' interface to a connection pool."""

from typing import Protocol


class PoolStatus(Protocol):
    """Numbers of connections, read at every scrape."""

    def size(self) -> int:
        """Return the maximum number of connections."""

    def in_use(self) -> int:
        """Return how many are in use."""

    def waiting(self) -> int:
        """Return how many requests wait for a connection."""
