"""The queue for the pool's slots: never too many, none lost, and every key in its turn."""

import asyncio
from collections import defaultdict, deque
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

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


class Requests:
    """Requests of a queue, and what was seen of their order."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.queue = FairQueue(slots)
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.held: list[int] = []
        self._waiting: dict[Any, deque[int]] = defaultdict(deque)
        self._passed: dict[Any, set[Any]] = defaultdict(set)
        self._numbers = iter(range(1_000))

    async def request(self, key: Any, number: int, seconds: float | None) -> None:
        """Wait for a slot, for some time at most, and hold it until `release`."""
        waits = self.queue.is_full()
        if waits:
            self._waiting[key].append(number)
        try:
            async with asyncio.timeout(seconds):
                await self.queue.acquire(key)
        except BaseException:
            self._waiting[key].remove(number)
            self._passed[key].clear()
            raise
        self.held.append(number)
        if waits:
            assert self._waiting[key].popleft() == number, "requests of one key were served out of order"
            self._note_grant(key)
        else:
            assert not any(self._waiting.values()), "a new request overtook a waiting one"

    def _note_grant(self, key: Any) -> None:
        self._passed[key].clear()
        for other, numbers in self._waiting.items():
            if other != key and numbers:
                assert key not in self._passed[other], f"{key} was served twice while {other} waited"
                self._passed[other].add(key)

    def arrive(self, key: Any, seconds: float | None = None) -> None:
        """Begin a request."""
        number = next(self._numbers)
        self.tasks[number] = asyncio.create_task(self.request(key, number, seconds))

    def release(self, choice: int) -> None:
        """Give back one of the held slots."""
        if self.held:
            self.held.pop(choice % len(self.held))
            self.queue.release()

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
        assert not waiting or len(self.held) == self.slots, "a request waits beside a free slot"


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
    assert not requests.queue._keys, "a key without requests is still stored"


@given(st.integers(1, 4), st.lists(STEPS, max_size=60))
def test_requests_that_come_wait_and_leave_in_any_order(slots: int, steps: list[tuple[str, Any]]) -> None:
    """No slot is lost or held twice, and each key has its turn, however requests come, end and are cancelled."""
    asyncio.run(_follow(slots, steps))


async def test_a_flood_of_one_key_delays_another_by_one_grant() -> None:
    """Behind three hundred requests of one key, each request of another waits for one of them at most."""
    queue = FairQueue(1)
    order: list[str] = []

    async def request(key: str) -> None:
        await queue.acquire(key)
        order.append(key)
        await asyncio.sleep(0)
        queue.release()

    async with asyncio.TaskGroup() as group:
        for key in ["flood"] * 300 + ["neighbour"] * 5:
            group.create_task(request(key))
    assert order[:10] == ["flood", "flood", "neighbour"] + ["flood", "neighbour"] * 3 + ["flood"]


async def test_a_slot_granted_to_a_cancelled_request_goes_to_the_next() -> None:
    """A request that is cancelled at the moment of its grant passes the slot on."""
    queue = FairQueue(1)
    await queue.acquire("a")
    cancelled, following = (asyncio.create_task(queue.acquire(key)) for key in ("b", "c"))
    await asyncio.sleep(0)
    queue.release()
    cancelled.cancel()
    await following
    assert cancelled.cancelled()
    queue.release()
    assert (queue.in_use(), queue.waiting()) == (0, 0)
