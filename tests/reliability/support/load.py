"""Clients at work, together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from tests.reliability.support.creator import Creator
from tests.reliability.support.history import History
from tests.reliability.support.operator_client import OperatorClient
from tests.reliability.support.pauses import IMPATIENT, Pauses
from tests.reliability.support.recorder import Recorder
from tests.reliability.support.writer import Writer
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase

Worker = Writer | OperatorClient | Creator


class Load:
    """Clients of one service, each in a loop, and the history of what they saw."""

    def __init__(self, workers: list[Worker], history: History) -> None:
        self.workers = workers
        self.history = history
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Set everybody to work."""
        self._tasks = [asyncio.create_task(worker.work()) for worker in self.workers]

    async def stop(self) -> None:
        """Let everybody finish the request under way; raises what a worker raised."""
        for worker in self.workers:
            worker.recorder.is_closing = True
        await asyncio.gather(*self._tasks)
        for worker in self.workers:
            await worker.recorder.close()


@asynccontextmanager
async def under_load(  # noqa: PLR0913 - how many of each kind
    database: TestDatabase,
    port: int,
    *,
    writers: int = 8,
    operators: int = 2,
    creators: int = 0,
    pauses: Pauses = IMPATIENT,
) -> AsyncIterator[Load]:
    """Put a service under load for as long as it is entered."""
    history = History()
    operator = await database.connect_as_operator()
    try:
        registry = Registry(operator)
        banks = [await registry.create_tenant(f"Bank {uuid4().hex}") for _ in range(writers + creators)]
        tokens = [await registry.issue_operator_token() for _ in range(operators)]
    finally:
        await operator.close()
    workers: list[Worker] = [
        (Writer if n < writers else Creator)(Recorder(port, history, bank.token, pauses), bank)
        for n, bank in enumerate(banks)
    ]
    workers += [
        OperatorClient(Recorder(port, history, token, pauses), f"OperatorClient {uuid4().hex}") for token in tokens
    ]
    load = Load(workers, history)
    load.start()
    try:
        yield load
    finally:
        await load.stop()
