"""What the metrics read of a connection pool."""

from typing import Protocol


class PoolStatus(Protocol):
    """Numbers of connections; each is read when Prometheus asks."""

    def size(self) -> int:
        """Return how many connections the pool may have."""

    def in_use(self) -> int:
        """Return how many are in use."""

    def waiting(self) -> int:
        """Return how many requests wait for one."""
