"""Moves an organisation, step by step."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime

import asyncpg

from multi_tenant_db.moving.administration import lock_moves
from multi_tenant_db.moving.baseline import Baseline
from multi_tenant_db.moving.catalogue import advance_sequences
from multi_tenant_db.moving.checks import check, check_organization_exists, check_target_has_organization
from multi_tenant_db.moving.comparison import compare_all, compare_changes, count_rows
from multi_tenant_db.moving.copying import compare_tokens_and_keys, copy_tokens_and_keys
from multi_tenant_db.moving.deletion import delete_rows
from multi_tenant_db.moving.freezing import freeze, thaw
from multi_tenant_db.moving.marker import Marker
from multi_tenant_db.moving.move_error import MoveError
from multi_tenant_db.moving.move_step import MoveStep
from multi_tenant_db.moving.organization_move import OrganizationMove
from multi_tenant_db.moving.pause import Pause
from multi_tenant_db.moving.pause_too_long import PauseTooLong
from multi_tenant_db.moving.replication import (
    await_copy,
    catch_up,
    disable,
    is_subscribed,
    publish,
    resume,
    subscribe,
    unpublish,
    unsubscribe,
)
from multi_tenant_db.moving.switch import activate, is_active_on_target, switch

ATTEMPTS = 3
"""How often the switch is tried when the pause was too short for it, as other transactions held locks."""
MARGIN = 1.5
"""The pause may take longer than its rehearsal."""


async def steps(move: OrganizationMove) -> AsyncIterator[MoveStep]:
    """Do the next step, and tell it; go on where an interrupted run has ended.

    A failure before the switch undoes everything, if it can. Raises MoveError, and what the driver raises.
    """
    await lock_moves(move.source)
    await check(move)
    yield MoveStep.CHECKED
    marker = await Marker.find(move.source, move.name)
    if marker is None or not marker.is_switched:
        try:
            async for step in _until_switch(move, marker):
                yield step
        except BaseException as failure:
            await _undo_after(move, failure)
            raise
    move.is_left_behind = True
    async for step in _after_switch(move):
        yield step
    move.is_left_behind = False


async def cancel(move: OrganizationMove) -> None:
    """Undo an interrupted move. Raises MoveError if there is none, or if it is past the switch."""
    await lock_moves(move.source)
    await check(move)
    marker = await Marker.find(move.source, move.name)
    if marker is None:
        raise MoveError("no move of the organisation is under way")
    if marker.is_switched:
        raise MoveError(f"the organisation is on {move.target_label} already: run the move again without --cancel")
    move.is_left_behind = True
    await undo(move)


async def undo(move: OrganizationMove) -> None:
    """Remove all that a move has left before its switch; the marker last, so that it can be repeated."""
    marker = await Marker.find(move.source, move.name)
    if marker is not None:
        await thaw(move)
        await _remove_copy(move)
        await unpublish(move, marker)
    move.is_left_behind = False


async def _undo_after(move: OrganizationMove, failure: BaseException) -> None:
    """Undo a move that has failed, unless it is switched. What stops that must not hide the failure."""
    try:
        if not await _is_switched(move):
            await undo(move)
    except (MoveError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as another:
        if str(another) != str(failure):
            move.report(f"the move could not be undone: {another}")


async def _remove_copy(move: OrganizationMove) -> None:
    if await is_active_on_target(move):
        raise MoveError(
            f"{move.target_label} accepts tokens of the organisation, though {move.source_label} has not given it up "
            "(restored from a backup?): find out which server is right, and delete the rows on the other"
        )
    await unsubscribe(move)
    await delete_rows(move.target, move.tables, move.organization_id)


async def _until_switch(move: OrganizationMove, marker: Marker | None) -> AsyncIterator[MoveStep]:
    await check_organization_exists(move)
    move.is_left_behind = True
    if marker is None:
        await publish(move)
    yield MoveStep.PUBLISHED

    if await is_subscribed(move):
        await resume(move)
    else:
        await _remove_copy(move)
        await subscribe(move)
    yield MoveStep.SUBSCRIBED

    await await_copy(move, await count_rows(move))
    await catch_up(move)
    since = await copy_tokens_and_keys(move)
    yield MoveStep.COPIED

    for attempt in range(1, ATTEMPTS + 1):
        baseline = await compare_all(move)
        since = await _rehearse(move, since, baseline)
        yield MoveStep.REHEARSED
        pause = await freeze(move)
        yield MoveStep.FROZEN
        try:
            async for step in _switch_within_pause(move, since, baseline, pause):
                yield step
        except (PauseTooLong, TimeoutError):
            move.report(
                f"attempt {attempt}: the pause of {move.max_pause:g} s was too short; writes are accepted again"
            )
            await thaw(move)
            await resume(move)
            continue
        finally:
            move.pauses.append(pause.seconds)
        return
    raise MoveError("the switch did not fit into the pause: try again at a quieter time, or with a longer --max-pause")


async def _rehearse(move: OrganizationMove, since: datetime, baseline: Baseline) -> datetime:
    """Do what the pause will do, while writes go on, to know how long it takes. Raises MoveError if too long."""
    await catch_up(move)
    began = asyncio.get_running_loop().time()
    await catch_up(move)
    since = await copy_tokens_and_keys(move, since)
    for compared in (compare_changes(move, baseline), compare_tokens_and_keys(move)):
        with suppress(MoveError):  # there may be differences: writes go on
            await compared
    seconds = MARGIN * (asyncio.get_running_loop().time() - began)
    if seconds > move.max_pause:
        raise MoveError(
            f"writes would be refused for about {seconds:.1f} s, the time to find what has changed: "
            f"allow it with --max-pause {seconds:.1f}"
        )
    return since


async def _switch_within_pause(
    move: OrganizationMove, since: datetime, baseline: Baseline, pause: Pause
) -> AsyncIterator[MoveStep]:
    async with asyncio.timeout_at(pause.ends_at):
        await catch_up(move)
        await copy_tokens_and_keys(move, since)
        await advance_sequences(move.source, move.target, move.tables)
        await compare_changes(move, baseline)
        await compare_tokens_and_keys(move, since)
    yield MoveStep.COMPARED
    await disable(move)  # what is deleted on the source from here on is not deleted on the target
    yield MoveStep.DETACHED
    await switch(move, pause)
    yield MoveStep.SWITCHED
    await activate(move)
    yield MoveStep.ACTIVATED


async def _after_switch(move: OrganizationMove) -> AsyncIterator[MoveStep]:
    marker = await Marker.find(move.source, move.name)
    if marker is None:
        return
    await check_target_has_organization(move)
    await activate(move)
    await unsubscribe(move)
    yield MoveStep.UNSUBSCRIBED
    await delete_rows(move.source, move.tables, move.organization_id)
    yield MoveStep.DELETED
    await thaw(move)
    await unpublish(move, marker)
    yield MoveStep.FINISHED


async def _is_switched(move: OrganizationMove) -> bool:
    marker = await Marker.find(move.source, move.name)
    return marker is not None and marker.is_switched
