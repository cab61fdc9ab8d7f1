"""The pool's queue, observed."""

from collections import defaultdict
from collections.abc import Hashable
from typing import Any

from multi_tenant_db.database.fair_queue import FairQueue


class ObservedQueue(FairQueue):
    """Checks at each grant that no key is served twice while another waits."""

    def __init__(self, slots: int) -> None:
        super().__init__(slots)
        self.passed: dict[Any, set[Any]] = defaultdict(set)

    def _grant_to(self, key: Hashable) -> None:
        others = {other for other in self._waiters if other != key and self._waits(other)}
        is_cancelled = next(iter(self._waiters[key])).cancelled()
        super()._grant_to(key)
        if not is_cancelled:
            self.passed = defaultdict(set, {other: self.passed[other] for other in others})
            for other in others:
                is_limited = self._requests[other] > self._slots >= self._requests[key]
                assert key not in self.passed[other] or is_limited, f"{key} was served twice while {other} waited"
                self.passed[other].add(key)

    def _waits(self, key: Hashable) -> bool:
        return not all(future.done() for future in self._waiters[key])

    def requests(self) -> dict[Hashable, int]:
        """Return how many requests each key has."""
        return self._requests
