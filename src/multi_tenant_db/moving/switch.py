"""The switch: the source gives the organisation's tokens up, then the target accepts them."""

from dataclasses import replace

from multi_tenant_db.lint.expected import MOVED_TOKENS, TOKENS
from multi_tenant_db.moving.administration import run_with_short_locks
from multi_tenant_db.moving.freezing import FOREVER, lock_writers_out, refuse_writes
from multi_tenant_db.moving.marker import Marker
from multi_tenant_db.moving.organization_move import OrganizationMove
from multi_tenant_db.moving.pause import Pause
from multi_tenant_db.moving.pause_too_long import PauseTooLong

GIVE_UP = f"""
    INSERT INTO {MOVED_TOKENS} (token_hash, server, expires_at)
    SELECT token.token_hash, $2, token.expires_at
    FROM {TOKENS} AS token
    WHERE token.organization_id = $1 AND token.revoked_at IS NULL AND token.expires_at > clock_timestamp()
    ON CONFLICT (token_hash) DO UPDATE SET server = EXCLUDED.server, expires_at = EXCLUDED.expires_at
"""
DELETE_TOKENS = f"DELETE FROM {TOKENS} WHERE organization_id = $1"

FORGET_EARLIER_MOVE = f"""
    DELETE FROM {MOVED_TOKENS}
    WHERE token_hash IN (SELECT token_hash FROM {TOKENS} WHERE organization_id = $1)
"""
ACCEPT = f"UPDATE {TOKENS} SET revoked_at = NULL WHERE organization_id = $1 AND revoked_at = 'infinity'"

ACTIVE_TOKENS = f"""
    SELECT EXISTS (
        SELECT FROM {TOKENS}
        WHERE organization_id = $1 AND revoked_at IS NULL AND expires_at > clock_timestamp()
    )
"""


async def switch(move: OrganizationMove, pause: Pause) -> None:
    """Take the organisation from the source, in one transaction.

    With the writers locked out, and the end of the pause not reached, no write was accepted since the pause began.
    From then on the source refuses writes to the rows that it still has. Raises PauseTooLong, MoveError.
    """

    async def give_up() -> None:
        await lock_writers_out(move)
        if await move.source.fetchval("SELECT clock_timestamp() >= $1", pause.ends):
            raise PauseTooLong
        await move.source.execute(GIVE_UP, move.organization_id, move.target_label)
        await refuse_writes(move, FOREVER)
        await move.source.execute("SET LOCAL session_replication_role = replica")
        await move.source.execute(DELETE_TOKENS, move.organization_id)
        marker = await Marker.find(move.source, move.name)
        if marker is not None:
            await replace(marker, is_switched=True).write(move)

    await run_with_short_locks(move.source, give_up, ends_at=pause.ends_at)


async def activate(move: OrganizationMove) -> None:
    """Have the target accept the tokens; until then they are a temporary error on both servers."""
    async with move.target.transaction():
        await move.target.execute(FORGET_EARLIER_MOVE, move.organization_id)
        await move.target.execute(ACCEPT, move.organization_id)


async def is_active_on_target(move: OrganizationMove) -> bool:
    """Return whether the target accepts tokens of the organisation: then its rows are no copy."""
    return bool(await move.target.fetchval(ACTIVE_TOKENS, move.organization_id))
