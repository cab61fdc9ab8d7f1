"""What all clients share: the requests that are left, the clock, the count."""

import asyncio
from array import array
from collections.abc import Iterator, Sequence
from itertools import cycle
from time import perf_counter

from benchmarks.load.shot import Shot
from benchmarks.load.wrong_answer import WrongAnswerError


class Magazine:
    """Gives shots until time is up or none is left; answers during the first moments are checked but not timed."""

    def __init__(self, shots: Sequence[Shot], clients: int, seconds: float, warm_up: float, *, repeat: bool) -> None:
        self._shots: Iterator[Shot] = cycle(shots) if repeat else iter(shots)
        self._clients = clients
        self.begin = perf_counter() + warm_up
        self._end = self.begin + seconds
        self.last = self.begin
        self.answers = 0
        self.checked = 0
        self.latencies = array("d")
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def next(self) -> Shot | None:
        """Give the next shot, or None when it is over."""
        return next(self._shots, None) if perf_counter() < self._end else None

    def accepts(self, shot: Shot, status: int, body: bytes) -> bool:
        """Check an answer; a wrong one ends everything."""
        self.checked += 1
        complaint = shot.complaint(status, body)
        if complaint:
            self.fail(complaint)
        return complaint is None

    def count(self, sent: float, received: float) -> None:
        """Count a right answer."""
        self.answers += 1
        if received >= self.begin:
            self.latencies.append(received - sent)
            self.last = received

    def leave(self) -> None:
        """A client has nothing more to do."""
        self._clients -= 1
        if not self._clients and not self.finished.done():
            self.finished.set_result(None)

    def fail(self, complaint: str) -> None:
        """End it all."""
        if not self.finished.done():
            self.finished.set_exception(WrongAnswerError(complaint))
