"""The process that makes the load."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Self

import uvloop

from benchmarks.load.line import Line
from benchmarks.load.magazine import Magazine
from benchmarks.load.shot import Shot
from benchmarks.load.volley import Volley

WARM_UP_SECONDS = 0.3


class Generator:
    """A closed loop: each client sends its next request when it has the answer to the last."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def fire(self, port: int, shots: Sequence[Shot], *, clients: int, seconds: float, repeat: bool = True) -> Volley:
        """Fire for some seconds, or with `repeat` off until no shot is left; raises WrongAnswerError."""
        return self.call(_run, port, list(shots), clients, seconds, repeat)

    def call[Result](self, function: Callable[..., Result], *arguments: object) -> Result:
        """Run a function in the generator's process."""
        return self._pool.submit(function, *arguments).result()


def _run(port: int, shots: list[Shot], clients: int, seconds: float, repeat: bool) -> Volley:
    return asyncio.run(_fire(port, shots, clients, seconds, repeat), loop_factory=uvloop.new_event_loop)


async def _fire(port: int, shots: list[Shot], clients: int, seconds: float, repeat: bool) -> Volley:
    cpu, started = time.process_time(), time.perf_counter()
    magazine = Magazine(shots, clients, seconds, WARM_UP_SECONDS, repeat=repeat)
    loop = asyncio.get_running_loop()
    for _ in range(clients):
        await loop.create_connection(lambda: Line(magazine), "127.0.0.1", port)
    await magazine.finished
    lasted, cpu = time.perf_counter() - started, time.process_time() - cpu
    if not magazine.latencies:
        raise ValueError("too few shots: all were fired before the warm-up was over")
    ordered = sorted(magazine.latencies)
    seconds = magazine.last - magazine.begin

    def percentile(percent: int) -> float:
        return 1_000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]

    return Volley(
        answers=magazine.answers,
        checked=magazine.checked,
        seconds=seconds,
        per_second=len(ordered) / seconds,
        p50=percentile(50),
        p95=percentile(95),
        p99=percentile(99),
        generator_cpu_seconds=cpu,
        generator_share_of_a_core=cpu / lasted,
    )
