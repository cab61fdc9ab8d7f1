"""The queue for the pool's slots."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from time import monotonic

type Waiters = OrderedDict[asyncio.Future[None], None]

FLOOD_PART = 4
"""Beside other keys, floods together hold one slot in so many, and at least one."""

QUIET_SECONDS = 1.0
"""Floods get all slots when no other key has sent a request for this time."""


class FairQueue:
    """A number of slots, granted to the waiting keys in turn, and to the requests of one key by arrival.

    A key with more requests than there are slots is a flood. Beside other keys, floods get a part of the slots only:
    each slot in use delays all others, since their requests share one event loop. A key is stored as long as it has
    requests.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._for_floods = max(1, slots // FLOOD_PART)
        self._quiet_at = 0.0
        self._in_use = 0
        self._held: dict[Hashable, int] = {}
        self._requests: dict[Hashable, int] = {}
        """Of each key, both those that hold a slot and those that wait."""
        self._waiters: OrderedDict[Hashable, Waiters] = OrderedDict()
        """The next key first; each has at least one waiting request."""

    def acquire_nowait(self, key: Hashable) -> bool:
        """Take a slot if one is free and no other request has to be served first; return whether it did."""
        if self._in_use >= self._slots or key in self._waiters or not self._may_hold(key):
            return False
        self._count(key)
        self._hold(key)
        return True

    async def acquire(self, key: Hashable) -> None:
        """Take a slot, after the requests whose turn is earlier. A cancelled request leaves the queue."""
        granted = asyncio.get_running_loop().create_future()
        self._count(key)
        self._waiters.setdefault(key, OrderedDict())[granted] = None
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.cancelled():
                self._leave(key, granted)
            else:  # granted and cancelled at the same time: another request gets the slot
                self.release(key)
            raise

    def release(self, key: Hashable) -> None:
        """Give back a slot of the key: to the next waiting request, if there is one."""
        self._in_use -= 1
        _subtract(self._held, key)
        _subtract(self._requests, key)
        self._grant()

    def in_use(self) -> int:
        """Return how many slots are held."""
        return self._in_use

    def waiting(self) -> int:
        """Return how many requests wait."""
        return sum(map(len, self._waiters.values()))

    def _grant(self) -> None:
        """Grant free slots to the waiting requests that may hold one."""
        while self._in_use < self._slots:
            for key in self._waiters:
                if self._may_hold(key):
                    self._grant_to(key)
                    break
            else:
                return

    def _grant_to(self, key: Hashable) -> None:
        waiters = self._waiters[key]
        granted, _ = waiters.popitem(last=False)
        if not waiters:
            del self._waiters[key]
        if granted.cancelled():  # its task has not run yet to leave the queue
            _subtract(self._requests, key)
            return
        if waiters:
            self._waiters.move_to_end(key)
        self._hold(key)
        granted.set_result(None)

    def _may_hold(self, key: Hashable) -> bool:
        """Return whether the key may hold one more slot, if one is free."""
        if not self._is_flood(key) or monotonic() >= self._quiet_at:
            return True
        return sum(held for other, held in self._held.items() if self._is_flood(other)) < self._for_floods

    def _is_flood(self, key: Hashable) -> bool:
        return self._requests.get(key, 0) > self._slots

    def _count(self, key: Hashable) -> None:
        """Count a new request."""
        requests = self._requests.get(key, 0) + 1
        self._requests[key] = requests
        if requests <= self._slots and len(self._requests) > 1:
            self._quiet_at = monotonic() + QUIET_SECONDS

    def _hold(self, key: Hashable) -> None:
        self._in_use += 1
        self._held[key] = self._held.get(key, 0) + 1

    def _leave(self, key: Hashable, granted: asyncio.Future[None]) -> None:
        waiters = self._waiters.get(key)
        if waiters is not None and granted in waiters:  # else _grant_to() has removed it
            del waiters[granted]
            if not waiters:
                del self._waiters[key]
            _subtract(self._requests, key)
            self._grant()


def _subtract(counts: dict[Hashable, int], key: Hashable) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
