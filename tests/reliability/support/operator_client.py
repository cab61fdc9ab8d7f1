"""A platform operator at work."""

from contextlib import suppress

from tests.reliability.support.call import Call, creation
from tests.reliability.support.load_over import LoadOver
from tests.reliability.support.recorder import Recorder
from tests.support.wire_answer import WireAnswer

BRANCHES = 3


class OperatorClient:
    """Founds bank after bank and deletes each whole, again and again: a half-deleted bank would be seen."""

    def __init__(self, recorder: Recorder, name: str) -> None:
        self.recorder = recorder
        self.prefix = f"{name} bank "
        self._banks = 0

    async def work(self) -> None:
        """Go on until the load is over."""
        with suppress(LoadOver):
            while True:
                await self._found_and_delete()

    async def _found_and_delete(self) -> None:
        self._banks += 1
        name = f"{self.prefix}{self._banks}"
        head = (await self._create(name, None, 0)).json()["tenant_id"]
        branches = {f"{name} branch {number}": number for number in range(1, BRANCHES + 1)}
        paths = []
        for branch, number in branches.items():
            answer = await self._create(branch, head, number)
            paths.append(f"/tenants/{answer.json()['tenant_id']}")
        for path in paths:
            await self.recorder.read(path, 200)

        deletions = {("deleted", deleted, None) for deleted in (name, *branches)}
        call = Call("DELETE", f"/tenants/{head}?cascade=true", right=frozenset({204}), right_again=frozenset({404}))
        await self.recorder.write(call, deletions)
        self.recorder.note_acknowledgement()
        for path in (f"/tenants/{head}", *paths):
            await self.recorder.read(path, 404)

    async def _create(self, name: str, parent: str | None, number: int) -> WireAnswer:
        answer = await self.recorder.write(creation(name, number, parent), {("created", name, number)})
        self.recorder.note_acknowledgement()
        return answer
