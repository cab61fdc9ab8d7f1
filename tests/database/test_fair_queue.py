"""The queue for the pool's slots: never too many, none lost, and every key in its turn."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Hashable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multi_tenant_db.database import fair_queue
from multi_tenant_db.database.fair_queue import FairQueue

KEYS = st.sampled_from([None, "a", "b", "c"])
STEPS = st.one_of(
    st.tuples(st.just("arrive"), KEYS),
    st.tuples(st.just("arrive briefly"), KEYS),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("release"), st.integers(0, 30)),
    st.tuples(st.just("run"), st.integers(1, 4)),
)
"""Steps without "run" between them happen before any task continues: a slot is granted and cancelled at once."""


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


class Requests:
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


async def _follow(slots: int, steps: list[tuple[str, Any]]) -> None:
    requests = Requests(slots)
    for step, value in steps:
        match step:
            case "arrive":
                requests.arrive(value)
            case "arrive briefly":
                requests.arrive(value, seconds=0)
            case "cancel":
                requests.cancel(value)
            case "release":
                requests.release(value)
            case "run":
                await requests.run(value)
    await requests.settle()
    while requests.held:
        requests.release(0)
        await requests.settle()
    assert all(task.done() for task in requests.tasks.values()), "a request was forgotten"
    assert not requests.queue.requests(), "a key without requests is still stored"


@settings(max_examples=300)
@given(st.integers(1, 3), st.lists(STEPS, min_size=5, max_size=60))
def test_requests_that_come_wait_and_leave_in_any_order(slots: int, steps: list[tuple[str, Any]]) -> None:
    """No slot is lost or held twice, and each key has its turn, however requests come, end and are cancelled."""
    asyncio.run(_follow(slots, steps))


async def test_a_flood_beside_another_key_holds_a_quarter_of_the_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside other keys a flood gets a quarter of the slots, in the second after their last request too; then all."""
    now = 100.0
    monkeypatch.setattr(fair_queue, "monotonic", lambda: now)
    queue = FairQueue(10)
    flood = [asyncio.create_task(_acquire(queue, "flood")) for _ in range(300)]
    await asyncio.sleep(0)
    assert (queue.in_use(), queue.waiting()) == (10, 290)
    neighbour = asyncio.create_task(_acquire(queue, "neighbour"))
    await asyncio.sleep(0)
    for _ in range(10):
        queue.release("flood")
    await neighbour
    assert queue.in_use() == 1 + 2
    assert queue.acquire_nowait("neighbour"), "no slot was left to the neighbour"
    queue.release("neighbour")
    queue.release("neighbour")
    now += 0.9
    queue.release("flood")
    assert queue.in_use() == 2
    now += 0.2
    queue.release("flood")
    assert queue.in_use() == 10
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_the_requests_of_a_flood_are_not_starved() -> None:
    """With one slot, a flood and its neighbours are served in turn."""
    queue = FairQueue(1)
    order: list[str] = []

    async def request(key: str) -> None:
        await _acquire(queue, key)
        order.append(key)
        await asyncio.sleep(0)
        queue.release(key)

    async with asyncio.TaskGroup() as group:
        for key in ["flood"] * 300 + ["neighbour"] * 5:
            group.create_task(request(key))
    assert "neighbour" in order[:4]
    assert sorted(order[:12]) == ["flood"] * 7 + ["neighbour"] * 5


async def test_a_slot_granted_to_a_cancelled_request_goes_to_the_next() -> None:
    """A request that is cancelled at the moment of its grant passes the slot on."""
    queue = FairQueue(1)
    assert queue.acquire_nowait("a")
    cancelled, following = (asyncio.create_task(queue.acquire(key)) for key in ("b", "c"))
    await asyncio.sleep(0)
    queue.release("a")
    cancelled.cancel()
    await asyncio.wait_for(following, 1)
    assert cancelled.cancelled()
    queue.release("c")
    assert (queue.in_use(), queue.waiting()) == (0, 0)


async def _acquire(queue: FairQueue, key: str) -> None:
    if not queue.acquire_nowait(key):
        await queue.acquire(key)
