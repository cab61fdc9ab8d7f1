"""The state that all clients share: the remaining requests, the end, the counts."""

import asyncio
from array import array
from collections.abc import Iterator, Sequence
from itertools import cycle
from time import perf_counter

from benchmarks.load.checked_request import CheckedRequest
from benchmarks.load.wrong_response import WrongResponseError


class RequestQueue:
    """Supplies requests until the end of the time; responses during the warm-up are checked but not timed."""

    def __init__(
        self, requests: Sequence[CheckedRequest], clients: int, seconds: float, warm_up: float, *, repeat: bool
    ) -> None:
        self._requests: Iterator[CheckedRequest] = cycle(requests) if repeat else iter(requests)
        self._clients = clients
        self.begin = perf_counter() + warm_up
        self._end = self.begin + seconds
        self.last = self.begin
        self.responses = 0
        self.checked = 0
        self.latencies = array("d")
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def next(self) -> CheckedRequest | None:
        """Return the next request, or None at the end."""
        return next(self._requests, None) if perf_counter() < self._end else None

    def accepts(self, request: CheckedRequest, status: int, body: bytes) -> bool:
        """Check a response; a wrong one ends the run."""
        self.checked += 1
        mismatch = request.mismatch(status, body)
        if mismatch:
            self.fail(mismatch)
        return mismatch is None

    def count(self, sent: float, received: float) -> None:
        """Count a correct response."""
        self.responses += 1
        if received >= self.begin:
            self.latencies.append(received - sent)
            self.last = received

    def leave(self) -> None:
        """Record that a client has finished."""
        self._clients -= 1
        if not self._clients and not self.finished.done():
            self.finished.set_result(None)

    def fail(self, mismatch: str) -> None:
        """End the run with an error."""
        if not self.finished.done():
            self.finished.set_exception(WrongResponseError(mismatch))
