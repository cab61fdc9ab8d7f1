"""Callers that read all the time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.reliability.support.until import until
from tests.support.organization import Organization
from tests.support.replica_service import ReplicaService

READERS = 8
SECONDS_TO_ANSWER = 8
"""Less than the time limit of a statement, which a silent standby would use up."""


class Readers:
    """What they were answered."""

    def __init__(self, service: ReplicaService, bank: Organization) -> None:
        self.statuses: Counter[int] = Counter()
        self._service = service
        self._bank = bank
        self._is_done = False

    @classmethod
    @asynccontextmanager
    async def at_work(cls, service: ReplicaService, bank: Organization) -> AsyncIterator["Readers"]:
        """Let them read until the end; an answer that does not come in time fails at once."""
        readers = cls(service, bank)
        async with asyncio.TaskGroup() as group:
            for _ in range(READERS):
                group.create_task(readers._read())
            await readers.read_more()
            yield readers
            readers._is_done = True

    async def read_more(self, times: int = 3 * READERS) -> None:
        """Return when so many more reads were answered."""
        wanted = self.statuses.total() + times

        async def answered() -> bool:
            return self.statuses.total() >= wanted

        await until(answered, f"{times} reads are answered", 60)

    async def _read(self) -> None:
        while not self._is_done:
            async with asyncio.timeout(SECONDS_TO_ANSWER):
                answer = await self._service.client.get("/tenants", headers=self._bank.parent.headers)
            self.statuses[answer.status_code] += 1
