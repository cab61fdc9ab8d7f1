"""Clients at work, together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from tests.reliability.support.history import History
from tests.reliability.support.operator_client import OperatorClient
from tests.reliability.support.pauses import IMPATIENT, Pauses
from tests.reliability.support.recorder import Recorder
from tests.reliability.support.writer import Writer
from tests.support.registry import Registry
from tests.support.test_database import TestDatabase


class Load:
    """Writers and operators on one service, each in a loop, and the history of what they saw."""

    def __init__(self, workers: list[Writer | OperatorClient], history: History) -> None:
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
async def under_load(
    database: TestDatabase,
    port: int,
    *,
    writers: int = 8,
    operators: int = 2,
    pauses: Pauses = IMPATIENT,
) -> AsyncIterator[Load]:
    """Put a service under load for as long as it is entered."""
    history = History()
    operator = await database.connect_as_operator()
    try:
        registry = Registry(operator)
        banks = [await registry.create_tenant(f"Bank {uuid4().hex}") for _ in range(writers)]
        tokens = [await registry.issue_operator_token() for _ in range(operators)]
    finally:
        await operator.close()
    workers: list[Writer | OperatorClient] = [
        Writer(Recorder(port, history, bank.token, pauses), bank) for bank in banks
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
