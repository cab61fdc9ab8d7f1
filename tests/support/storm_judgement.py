"""What every storm must leave behind, whatever it blew at."""

import asyncio

from tests.support.channel import Channel
from tests.support.storm_tally import StormTally
from tests.support.storm_world import StormWorld

STATUSES = {200, 201, 204, 401, 403, 404, 409}


def judge(tally: StormTally, *, lost_by_a_kill: int = 2) -> None:
    """Demand that no answer was wrong, that everything was tried, and that 503 came of kills or full pools alone.

    A kill may fail the request on its connection, and the next one, which finds the connection dead.
    """
    assert not tally.wrongs, "\n".join(tally.wrongs[:20])
    assert tally.kills > 0
    assert tally.revocations > 0
    assert tally.abandoned > 0
    assert set(tally.statuses) >= STATUSES
    assert tally.statuses[503] <= tally.kills * lost_by_a_kill + tally.waited_in_vain, str(tally)


async def all_see_what_is_theirs(world: StormWorld, channels: list[Channel], pool_size: int) -> None:
    """Ask once more for everybody at once: each sees exactly his own, so every connection of the pool is sound."""
    callers = world.lasting
    # Connections killed at the very end are noticed by the requests after it.
    for channel in channels[: 2 * pool_size]:
        await channel.ask("GET", "/tenants", [("Authorization", f"Bearer {callers[0].token}")], None)
    for first in range(0, len(callers), len(channels)):
        together = callers[first : first + len(channels)]
        answers = await asyncio.gather(
            *(
                channel.ask("GET", "/tenants?limit=1000", [("Authorization", f"Bearer {caller.token}")], None)
                for caller, channel in zip(together, channels, strict=False)
            )
        )
        for caller, answer in zip(together, answers, strict=True):
            assert answer.status == 200, answer
            assert [item["tenant_id"] for item in answer.json()["items"]] == await world.reach_of(caller)
    for channel in channels:
        await channel.close()
