"""The process that generates the load."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Self

import uvloop

from benchmarks.load.batch import Batch
from benchmarks.load.checked_request import CheckedRequest
from benchmarks.load.client import Client
from benchmarks.load.request_queue import RequestQueue

WARM_UP_SECONDS = 0.3


class Generator:
    """A closed loop: each client sends its next request after the response to the previous one."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def send(
        self, port: int, requests: Sequence[CheckedRequest], *, clients: int, seconds: float, repeat: bool = True
    ) -> Batch:
        """Send for some seconds, or without `repeat` until no request is left; raises WrongResponseError."""
        return self.call(_run, port, list(requests), clients, seconds, repeat)

    def begin(self, port: int, requests: Sequence[CheckedRequest], *, clients: int, seconds: float) -> Future[Batch]:
        """Begin to send for some seconds; the result of the future is that of `send`."""
        return self._pool.submit(_run, port, list(requests), clients, seconds, True)

    def call[Result](self, function: Callable[..., Result], *arguments: object) -> Result:
        """Run a function in the generator's process."""
        return self._pool.submit(function, *arguments).result()


def _run(port: int, requests: list[CheckedRequest], clients: int, seconds: float, repeat: bool) -> Batch:
    return asyncio.run(_send(port, requests, clients, seconds, repeat), loop_factory=uvloop.new_event_loop)


async def _send(port: int, requests: list[CheckedRequest], clients: int, seconds: float, repeat: bool) -> Batch:
    cpu, started = time.process_time(), time.perf_counter()
    queue = RequestQueue(requests, clients, seconds, WARM_UP_SECONDS, repeat=repeat)
    loop = asyncio.get_running_loop()
    for _ in range(clients):
        await loop.create_connection(lambda: Client(queue), "127.0.0.1", port)
    await queue.finished
    lasted, cpu = time.perf_counter() - started, time.process_time() - cpu
    if not queue.latencies:
        raise ValueError("too few requests: all were sent before the warm-up was over")
    ordered = sorted(queue.latencies)
    seconds = queue.last - queue.begin

    def percentile(percent: int) -> float:
        return 1_000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]

    return Batch(
        responses=queue.responses,
        checked=queue.checked,
        seconds=seconds,
        per_second=len(ordered) / seconds,
        p50=percentile(50),
        p95=percentile(95),
        p99=percentile(99),
        generator_cpu_seconds=cpu,
        generator_share_of_a_core=cpu / lasted,
    )
