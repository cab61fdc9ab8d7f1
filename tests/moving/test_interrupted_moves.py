"""A move is killed after each of its steps: writes go on, and the next run undoes it or completes it."""

import asyncio
import signal
import sys
import time
from contextlib import suppress

import asyncpg
import pytest

from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.move_step import MoveStep
from multi_tenant_db.moving.moving import cancel
from tests.moving.filled import as_admin, filled_organization, home_of
from tests.moving.killed_move import MAX_PAUSE
from tests.moving.moved import moved
from tests.moving.traces import rows_of, traces
from tests.moving.two_servers import HERE, THERE, TwoServers
from tests.support.context import presenting
from tests.support.extent import EXHAUSTIVE
from tests.support.organization import Organization
from tests.support.registry import Registry
from tests.support.sources import ROOT

STEPS = [*MoveStep]
BEFORE_SWITCH = STEPS[: STEPS.index(MoveStep.SWITCHED)]
AFTER_SWITCH = STEPS[STEPS.index(MoveStep.SWITCHED) :]
MOST_TELLING = (MoveStep.SUBSCRIBED, MoveStep.FROZEN, MoveStep.SWITCHED)
"""What every run tries; the others are left to exhaustive runs."""
SECONDS_TO_NOTICE = 10


def chosen(steps: list[MoveStep]) -> list[MoveStep]:
    """Return the steps that this run tries."""
    return [step for step in steps if EXHAUSTIVE or step in MOST_TELLING]


async def kill_after(step: MoveStep, both: TwoServers, organization: Organization) -> None:
    """Run a move as a process, which kills itself after the step."""
    urls = both.urls(as_administrator=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.moving.killed_move", str(organization.parent.tenant_id), step),
        *(urls[HERE], urls[THERE]),
        cwd=ROOT,
    )
    try:
        async with asyncio.timeout(120):
            assert await process.wait() == -signal.SIGKILL
    finally:
        with suppress(ProcessLookupError):
            process.kill()


async def seconds_until_written(both: TwoServers, organization: Organization) -> float:
    """Write as the parent until it is accepted, at the server that accepts its token; return how long that took."""
    began = time.monotonic()
    while True:
        said = await home_of(both, organization.parent.token)
        service = await both.databases[THERE if said[THERE] == "yes" else HERE].connect_as_api()
        try:
            async with presenting(service, organization.parent.token):
                status = await service.execute("UPDATE tenancy.tenants SET metadata = '{}'")
            assert status == f"UPDATE {len(organization.parties)}"
            return time.monotonic() - began
        except asyncpg.OperatorInterventionError:
            await asyncio.sleep(0.02)
        finally:
            await service.close()


@pytest.mark.parametrize("step", chosen(BEFORE_SWITCH))
async def test_a_move_killed_before_the_switch(both: TwoServers, registry_here: Registry, step: MoveStep) -> None:
    """The source goes on: a write is accepted within the pause's end. --cancel leaves no trace; the next run moves."""
    hsbc = await filled_organization(both, registry_here)
    organization_id = hsbc.parent.tenant_id
    await kill_after(step, both, hsbc)
    assert await home_of(both, hsbc.parent.token) in (
        {HERE: "yes", THERE: "28000"},
        {HERE: "yes", THERE: "57000"},  # its tokens are there, and held back
    )
    # The deadline is the server's: what lies beyond it is the time that a busy machine takes to notice.
    assert await seconds_until_written(both, hsbc) < MAX_PAUSE + SECONDS_TO_NOTICE
    async with as_admin(both, HERE) as here, as_admin(both, THERE) as there:
        before = await rows_of(here, organization_id)
        if step is not MoveStep.CHECKED:
            async with both.move(organization_id) as move:
                await cancel(move)
        assert await traces(both) == []
        assert await rows_of(there, organization_id) == {}
        assert await rows_of(here, organization_id) == before
        await moved(both, organization_id)
        assert await rows_of(there, organization_id) == before
    assert await home_of(both, hsbc.parent.token) == {HERE: "MT001 b", THERE: "yes"}
    assert await traces(both) == []


@pytest.mark.parametrize("step", chosen(STEPS[1:-1]))
async def test_an_interrupted_move_goes_on(both: TwoServers, registry_here: Registry, step: MoveStep) -> None:
    """The next run completes it, with what was written in between; after the switch it cannot be cancelled."""
    hsbc = await filled_organization(both, registry_here)
    organization_id = hsbc.parent.tenant_id
    await kill_after(step, both, hsbc)
    said = await home_of(both, hsbc.parent.token)
    if step in AFTER_SWITCH:
        # Between the switch and its end, a temporary error at both: nothing is written on either.
        assert said == {HERE: "MT001 b", THERE: "57000" if step is MoveStep.SWITCHED else "yes"}
        async with both.move(organization_id) as move:
            with pytest.raises(MoveError, match="on b already"):
                await cancel(move)
    else:
        assert said[HERE] == "yes"
        await seconds_until_written(both, hsbc)
    await moved(both, organization_id)
    assert await home_of(both, hsbc.parent.token) == {HERE: "MT001 b", THERE: "yes"}
    async with as_admin(both, HERE) as here, as_admin(both, THERE) as there:
        assert {*await rows_of(there, organization_id)} == {
            "tenants",
            "events",
            "accounts",
            "tokens",
            "keys",
            "quotas",
        }
        assert await rows_of(here, organization_id) == {}
    await seconds_until_written(both, hsbc)
    assert await traces(both) == []


async def test_two_commands_do_not_work_on_one_server(both: TwoServers, registry_here: Registry) -> None:
    """The second is refused as long as the first runs; it changes nothing for the first."""
    hsbc = await filled_organization(both, registry_here)

    async def again() -> None:
        with pytest.raises(MoveError, match="another"):
            await moved(both, hsbc.parent.tenant_id)
        async with both.move(hsbc.parent.tenant_id) as move:
            with pytest.raises(MoveError, match="another"):
                await cancel(move)

    await moved(both, hsbc.parent.tenant_id, at={MoveStep.SUBSCRIBED: again, MoveStep.FROZEN: again})
    assert await home_of(both, hsbc.parent.token) == {HERE: "MT001 b", THERE: "yes"}


async def test_an_interrupted_move_comes_first(both: TwoServers, registry_here: Registry) -> None:
    """Another organisation does not move from the server before it is completed or cancelled; the message names it."""
    hsbc = await filled_organization(both, registry_here)
    barclays = await filled_organization(both, registry_here, "Barclays")
    await kill_after(MoveStep.PUBLISHED, both, hsbc)
    with pytest.raises(MoveError, match=str(hsbc.parent.tenant_id)):
        await moved(both, barclays.parent.tenant_id)
    async with both.move(hsbc.parent.tenant_id) as move:
        await cancel(move)
    await moved(both, barclays.parent.tenant_id)
    assert await traces(both) == []


async def test_a_pause_that_is_too_short_ends(both: TwoServers, registry_here: Registry) -> None:
    """If the deadline passes before the switch, writes go on, and the switch is tried again; at last all is undone."""
    hsbc = await filled_organization(both, registry_here)
    waited = []

    async def delay() -> None:
        waited.append(await seconds_until_written(both, hsbc))

    with pytest.raises(MoveError, match="did not fit into the pause"):
        await moved(both, hsbc.parent.tenant_id, max_pause=3.0, at={MoveStep.DETACHED: delay})
    assert len(waited) == 3
    assert await home_of(both, hsbc.parent.token) == {HERE: "yes", THERE: "28000"}
    assert await traces(both) == []


async def test_a_pause_that_would_be_too_long_is_not_begun(both: TwoServers, registry_here: Registry) -> None:
    """The rehearsal measures it; the message names the option."""
    hsbc = await filled_organization(both, registry_here)
    with pytest.raises(MoveError, match="--max-pause"):
        await moved(both, hsbc.parent.tenant_id, max_pause=0.001)
    assert await traces(both) == []


async def test_a_long_transaction_of_others_delays_the_switch_only(both: TwoServers, registry_here: Registry) -> None:
    """While another organisation's transaction holds its locks, the move waits, and no writer waits for long."""
    hsbc = await filled_organization(both, registry_here)
    barclays = await filled_organization(both, registry_here, "Barclays")
    service = await both.databases[HERE].connect_as_api()
    transaction = service.transaction()

    async def hold() -> None:
        await transaction.start()
        await service.execute("SELECT tenancy.sign_in($1)", barclays.parent.token)
        await service.execute("UPDATE tenancy.tenants SET metadata = '{}'")
        asyncio.get_running_loop().call_later(1, released.set)

    async def release() -> None:
        await released.wait()
        await seconds_until_written(both, hsbc)  # fails if it waits for a lock longer than the role's lock_timeout
        await transaction.commit()

    released = asyncio.Event()
    releasing: list[asyncio.Task[None]] = []

    async def begin() -> None:
        await hold()
        releasing.append(asyncio.create_task(release()))

    await moved(both, hsbc.parent.tenant_id, at={MoveStep.REHEARSED: begin})
    await releasing[0]
    await service.close()
    assert await home_of(both, hsbc.parent.token) == {HERE: "MT001 b", THERE: "yes"}


async def test_a_token_can_be_revoked_while_neither_server_accepts_it(
    both: TwoServers, registry_here: Registry
) -> None:
    """After the source has given it up, the target knows it, and does not accept it later."""
    hsbc = await filled_organization(both, registry_here)
    await kill_after(MoveStep.SWITCHED, both, hsbc)
    operator = await both.databases[THERE].connect_as_operator()
    assert await operator.fetchval("SELECT tenancy.revoke_token($1)", registry_here.token_id(hsbc.parent.token))
    await operator.close()
    await moved(both, hsbc.parent.tenant_id)
    assert await home_of(both, hsbc.parent.token) == {HERE: "MT001 b", THERE: "28000"}
    assert (await home_of(both, hsbc.subsidiaries[0].token))[THERE] == "yes"
    assert await traces(both) == []
