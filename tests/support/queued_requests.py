"""Requests of the pool's queue."""

import asyncio
from collections import defaultdict, deque
from typing import Any

from tests.support.observed_queue import ObservedQueue


class QueuedRequests:
    """Requests of a queue, and what was seen of their order."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.queue = ObservedQueue(slots)
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.held: list[tuple[Any, int]] = []
        self._waiting: dict[Any, deque[int]] = defaultdict(deque)
        self._numbers = iter(range(1_000))

    async def request(self, key: Any, number: int, seconds: float | None) -> None:
        """Wait for a slot, for some time at most, and hold it until `release`."""
        if self.queue.acquire_nowait(key):
            self.held.append((key, number))
            return
        self._waiting[key].append(number)
        try:
            async with asyncio.timeout(seconds):
                await self.queue.acquire(key)
        except BaseException:
            self._waiting[key].remove(number)
            self.queue.passed.pop(key, None)
            raise
        self.held.append((key, number))
        assert self._waiting[key].popleft() == number, "requests of one key were served out of order"

    def arrive(self, key: Any, seconds: float | None = None) -> None:
        """Begin a request."""
        number = next(self._numbers)
        self.tasks[number] = asyncio.create_task(self.request(key, number, seconds))

    def release(self, choice: int) -> None:
        """Give back one of the held slots."""
        if self.held:
            key, _ = self.held.pop(choice % len(self.held))
            self.queue.release(key)

    def cancel(self, choice: int) -> None:
        """Cancel one of the requests that have not ended."""
        pending = [task for task in self.tasks.values() if not task.done()]
        if pending:
            pending[choice % len(pending)].cancel()

    async def run(self, turns: int) -> None:
        """Let the tasks continue; a failed assertion in one is raised."""
        for _ in range(turns):
            await asyncio.sleep(0)
            assert len(self.held) <= self.queue.in_use() <= self.slots, "more slots are held than there are"
        for task in self.tasks.values():
            if task.done() and not task.cancelled() and not isinstance(task.exception(), TimeoutError):
                task.result()

    async def settle(self) -> None:
        """Let the tasks continue until each holds a slot, waits or has ended."""
        await self.run(10)
        waiting = sum(not task.done() for task in self.tasks.values())
        assert self.queue.in_use() == len(self.held), "a slot was lost"
        assert self.queue.waiting() == waiting
        if len(self.held) < self.slots:
            counts = self.queue.requests()
            floods = sum(counts[key] > self.slots for key, _ in self.held)
            for key, numbers in self._waiting.items():
                assert not numbers or (counts[key] > self.slots and floods), f"{key} waits beside a free slot"
