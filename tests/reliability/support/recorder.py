"""A client's recorder: it asks, notes what it is told, and asks again where it was told nothing certain."""

import asyncio
import json
from collections.abc import Collection
from http import HTTPStatus
from time import monotonic

from tests.reliability.support.answer import PASSING, Answer
from tests.reliability.support.call import Call
from tests.reliability.support.history import History
from tests.reliability.support.load_over import LoadOver
from tests.reliability.support.pauses import Pauses
from tests.support.wire_answer import WireAnswer
from tests.support.wire_channel import WireChannel

HANGING_SECONDS = 45
"""Longer than any limit of the service: who waits as long was forgotten."""

Write = tuple[str, str, int | None]
"""Event type, the tenant's name (never used twice), and the number in its metadata; a deletion has none."""


class Recorder:
    """Keeps the writes that were acknowledged apart from those whose outcome is unknown; these happen all or none."""

    def __init__(self, port: int, history: History, token: str, pauses: Pauses) -> None:
        self.acknowledged: set[Write] = set()
        self.unknown: frozenset[Write] = frozenset()
        self.is_closing = False
        self._line = WireChannel(port)
        self._history = history
        self._headers = [("Authorization", f"Bearer {token}")]
        self._pauses = pauses

    async def read(self, target: str, status: int) -> WireAnswer:
        """Return a right answer, however often it takes to ask."""
        return await self._insist(Call("GET", target, frozenset({status})))

    async def write(self, call: Call, writes: Collection[Write]) -> WireAnswer:
        """Repeat the same request until its outcome is known.

        The caller notes the acknowledgement, once it is sure of it.
        """
        self.unknown = frozenset(writes)
        return await self._insist(call)

    def note_acknowledgement(self) -> None:
        """Count the last write as promised."""
        self.acknowledged |= self.unknown
        self.unknown = frozenset()

    def complain(self, text: str) -> None:
        """Note what must not be."""
        self._history.complaints.append(text)

    async def close(self) -> None:
        """Hang up."""
        await self._line.close()

    async def _insist(self, call: Call) -> WireAnswer:
        right = call.right
        while (answer := await self._ask(call, right)) is None:
            right = call.right | call.right_again
            await asyncio.sleep(self._pauses.retry)
        await asyncio.sleep(self._pauses.think)
        return answer

    async def _ask(self, call: Call, right: Collection[int]) -> WireAnswer | None:
        """Return a right answer, or None when the outcome is not known."""
        if self.is_closing:
            raise LoadOver
        body, headers = None, [*self._headers, *call.headers]
        if call.body is not None:
            body = json.dumps(call.body).encode()
            headers.append(("Content-Type", "application/json"))
        status: int | None = None
        started = monotonic()
        try:
            async with asyncio.timeout(HANGING_SECONDS):
                answer = await self._line.ask(call.method, call.target, headers, body)
            status = answer.status
        except TimeoutError:
            self.complain(f"{call.method} {call.target}: no answer in {HANGING_SECONDS} seconds")
            return None
        except OSError:
            return None
        finally:
            self._history.answers.append(Answer(call.method, status, started, monotonic(), status in right))
        if status in right:
            return answer
        if not _is_honest(answer):
            self.complain(f"{call.method} {call.target}: {status} {answer.body[:200]!r} instead of {sorted(right)}")
        return None


def _is_honest(answer: WireAnswer) -> bool:
    """Tell whether the answer says, in the form of every error, that a later try may do better."""
    if answer.header("content-type") != "application/problem+json" or not answer.header("retry-after"):
        return False
    problem = answer.json()
    is_passing = answer.status in PASSING or (
        answer.status == HTTPStatus.CONFLICT and problem["code"] == "request_in_progress"
    )
    return is_passing and problem["status"] == answer.status and {"code", "detail", "request_id"} <= problem.keys()
