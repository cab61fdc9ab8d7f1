"""A parent tenant at work."""

import random
from contextlib import suppress

from tests.reliability.support.call import Call, creation
from tests.reliability.support.load_over import LoadOver
from tests.reliability.support.recorder import Recorder
from tests.support.party import Party
from tests.support.wire_answer import WireAnswer

MOST_BRANCHES = 5


class Writer:
    """Opens, reads, changes and closes branches of its own bank, and knows at any time what it must find.

    Alone in its organisation and one request at a time, so every answer can be told right from wrong.
    """

    def __init__(self, recorder: Recorder, bank: Party) -> None:
        self.recorder = recorder
        self.prefix = f"{bank.name} branch "
        self.branches: dict[str, tuple[str, int, str]] = {}
        """Name to path, number and entity tag, of every branch that is known to exist."""
        self._bank = bank
        self._number = 0
        self._chance = random.Random(bank.name)

    async def work(self) -> None:
        """Go on until the load is over."""
        with suppress(LoadOver):
            while True:
                await self._do_something()

    async def _do_something(self) -> None:
        wanted = self._chance.random()
        if not self.branches or (wanted < 0.08 and len(self.branches) < MOST_BRANCHES):
            await self._open_branch()
        elif wanted < 0.28:
            await self._change_branch(self._any_branch())
        elif wanted < 0.34 and len(self.branches) > 1:
            await self._close_branch(self._any_branch())
        elif wanted < 0.44:
            await self._list_branches()
        else:
            await self._read_branch(self._any_branch())

    def _any_branch(self) -> str:
        return self._chance.choice(list(self.branches))

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    async def _open_branch(self) -> None:
        number = self._next_number()
        name = f"{self.prefix}{number}"
        call = creation(name, number, self._bank.tenant_id)
        answer = await self.recorder.write(call, {("created", name, number)})
        self.recorder.note_acknowledgement()
        self._remember(answer, number)

    async def _change_branch(self, name: str) -> None:
        path, _, etag = self.branches[name]
        number = self._next_number()
        call = Call(
            "PUT",
            path,
            right=frozenset({200}),
            right_again=frozenset({412}),
            body={"name": name, "metadata": {"number": number}},
            headers=(("If-Match", etag),),
        )
        answer = await self.recorder.write(call, {("updated", name, number)})
        if answer.status == 412:
            # Nobody else writes here: it must have been the request whose answer was lost.
            answer = await self.recorder.read(path, 200)
        self._remember(answer, number)
        self.recorder.note_acknowledgement()

    async def _close_branch(self, name: str) -> None:
        path, *_ = self.branches[name]
        call = Call("DELETE", path, right=frozenset({204}), right_again=frozenset({404}))
        await self.recorder.write(call, {("deleted", name, None)})
        self.recorder.note_acknowledgement()
        del self.branches[name]
        await self.recorder.read(path, 404)

    async def _read_branch(self, name: str) -> None:
        path, number, etag = self.branches[name]
        answer = await self.recorder.read(path, 200)
        if (answer.json()["metadata"], answer.header("etag")) != ({"number": number}, etag):
            self.recorder.complain(f"{name} should hold number {number} at {etag}, but is {answer.body!r}")

    async def _list_branches(self) -> None:
        page = (await self.recorder.read("/tenants", 200)).json()
        found = {tenant["name"]: tenant["metadata"].get("number") for tenant in page["items"][1:]}
        expected = {name: number for name, (_, number, _) in self.branches.items()}
        if found != expected:
            self.recorder.complain(f"{self._bank.name} should have {expected}, but the list says {found}")

    def _remember(self, answer: WireAnswer, number: int) -> None:
        tenant = answer.json()
        if tenant["metadata"] != {"number": number}:
            self.recorder.complain(f"{tenant['name']} should hold number {number}, but is {tenant}")
        self.branches[tenant["name"]] = (f"/tenants/{tenant['tenant_id']}", number, answer.header("etag") or "")
