"""A parent tenant that only creates, as a client does that must not lose a creation and must not repeat one."""

from contextlib import suppress

from tests.reliability.support.call import creation
from tests.reliability.support.load_over import LoadOver
from tests.reliability.support.recorder import Recorder
from tests.support.party import Party


class Creator:
    """Creates subsidiary after subsidiary, each with an Idempotency-Key, and repeats a request until it is 201.

    It needs nothing of what it created before, so it goes on where acknowledged writes were lost.
    """

    def __init__(self, recorder: Recorder, bank: Party) -> None:
        self.recorder = recorder
        self.prefix = f"{bank.name} branch "
        self._bank = bank
        self._number = 0

    async def work(self) -> None:
        """Go on until the load is over."""
        with suppress(LoadOver):
            while True:
                await self._create()

    async def _create(self) -> None:
        self._number += 1
        name = f"{self.prefix}{self._number}"
        call = creation(name, self._number, self._bank.tenant_id)
        answer = await self.recorder.write(call, {("created", name, self._number)})
        if (created := answer.json())["name"] != name:
            self.recorder.complain(f"{name} was asked for, and {created} was created")
        self.recorder.note_acknowledgement()
