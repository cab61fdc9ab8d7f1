"""The queue for the pool's slots."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable

type Waiters = OrderedDict[asyncio.Future[None], None]


class FairQueue:
    """A number of slots, granted to the waiting keys in turn, and to the requests of one key by arrival.

    Between two grants to one key, every other key that waits throughout gets one. A key without waiting requests is
    not stored. A free slot and a waiting request never exist at once, so a new request overtakes none.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._in_use = 0
        self._keys: OrderedDict[Hashable, Waiters] = OrderedDict()
        """The next key first; each has at least one waiting request."""

    def is_full(self) -> bool:
        """Return whether `acquire` would wait."""
        return self._in_use >= self._slots

    async def acquire(self, key: Hashable) -> None:
        """Take a slot, after the requests whose turn is earlier. A cancelled request leaves the queue."""
        if not self.is_full():
            self._in_use += 1
            return
        granted = asyncio.get_running_loop().create_future()
        self._keys.setdefault(key, OrderedDict())[granted] = None
        try:
            await granted
        except asyncio.CancelledError:
            if granted.cancelled():
                self._leave(key, granted)
            else:  # granted and cancelled at the same time: the next request gets the slot
                self.release()
            raise

    def release(self) -> None:
        """Give a slot to the next waiting request, or free it."""
        while self._keys:
            key, waiters = next(iter(self._keys.items()))
            granted, _ = waiters.popitem(last=False)
            is_cancelled = granted.done()  # its task has not run yet to leave the queue
            if not waiters:
                del self._keys[key]
            elif not is_cancelled:
                self._keys.move_to_end(key)
            if not is_cancelled:
                granted.set_result(None)
                return
        self._in_use -= 1

    def in_use(self) -> int:
        """Return how many slots are held."""
        return self._in_use

    def waiting(self) -> int:
        """Return how many requests wait."""
        return sum(map(len, self._keys.values()))

    def _leave(self, key: Hashable, granted: asyncio.Future[None]) -> None:
        waiters = self._keys.get(key)
        if waiters is not None and granted in waiters:  # else release() has removed it
            del waiters[granted]
            if not waiters:
                del self._keys[key]
