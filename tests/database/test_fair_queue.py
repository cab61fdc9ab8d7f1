"""The queue for the pool's slots: never too many, none lost, and every key in its turn."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multi_tenant_db.database import fair_queue
from multi_tenant_db.database.fair_queue import FairQueue
from tests.support.queued_requests import QueuedRequests

KEYS = st.sampled_from([None, "a", "b", "c"])
STEPS = st.one_of(
    st.tuples(st.just("arrive"), KEYS),
    st.tuples(st.just("arrive briefly"), KEYS),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("release"), st.integers(0, 30)),
    st.tuples(st.just("run"), st.integers(1, 4)),
)
"""Steps without "run" between them happen before any task continues: a slot is granted and cancelled at once."""


async def _follow(slots: int, steps: list[tuple[str, Any]]) -> None:
    requests = QueuedRequests(slots)
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
