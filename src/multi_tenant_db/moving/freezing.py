"""Begins and ends a pause: for a moment the source refuses the organisation's writes, and only those."""

import asyncio
from datetime import datetime

from multi_tenant_db.lint.expected import TOKENS
from multi_tenant_db.moving.administration import run_with_short_locks
from multi_tenant_db.moving.organization_move import OrganizationMove
from multi_tenant_db.moving.pause import Pause

FOREVER = "infinity"
DEADLINE = "SELECT (clock_timestamp() + make_interval(secs => $1))::text"

TRIGGERS = """
    SELECT trigger.tgrelid::regclass::text AS table_name, quote_ident(trigger.tgname) AS name
    FROM pg_trigger AS trigger
    WHERE trigger.tgname = ANY ($1::text[])
"""


async def lock_writers_out(move: OrganizationMove) -> None:
    """Wait, in this transaction, for all transactions that have written, and let no other begin to write."""
    tables = ", ".join(table.name for table in move.tables)
    await move.source.execute(f"LOCK TABLE {tables}, {TOKENS} IN SHARE ROW EXCLUSIVE MODE")


async def refuse_writes(move: OrganizationMove, deadline: str) -> None:
    """Have triggers refuse the organisation's writes until the deadline, as of the end of this transaction.

    Their names come after that of the trigger that fills in a tenant's organisation. Deletions of tokens are let
    through: issuing any token deletes a few that ended long ago, of all organisations.
    """
    for table in (*(table.name for table in move.tables), TOKENS):
        kinds = {"": ("INSERT OR UPDATE", "NEW"), "_delete": ("DELETE", "OLD")}
        for suffix, (verbs, row) in kinds.items():
            if table == TOKENS and suffix:
                continue
            await move.source.execute(
                f"CREATE OR REPLACE TRIGGER {_trigger(move)}{suffix} BEFORE {verbs} ON {table} FOR EACH ROW"
                f" WHEN ({row}.organization_id = '{move.organization_id}')"
                f" EXECUTE FUNCTION tenancy_private.refuse_while_moving('{deadline}')"
            )


async def freeze(move: OrganizationMove) -> Pause:
    """Begin a pause, which ends by itself, whatever becomes of this process.

    All writers that began before have ended when this returns; the others are refused with a temporary error.
    """

    async def create() -> Pause:
        await lock_writers_out(move)
        began_at = asyncio.get_running_loop().time()
        deadline: str = await move.source.fetchval(DEADLINE, move.max_pause)
        await refuse_writes(move, deadline)
        return Pause(datetime.fromisoformat(deadline), began_at, began_at + move.max_pause)

    return await run_with_short_locks(move.source, create)


async def thaw(move: OrganizationMove) -> None:
    """Drop the triggers, as far as they are there."""
    names = [_trigger(move), f"{_trigger(move)}_delete"]

    async def drop() -> None:
        for trigger in await move.source.fetch(TRIGGERS, names):
            await move.source.execute(f"DROP TRIGGER {trigger['name']} ON {trigger['table_name']}")

    await run_with_short_locks(move.source, drop)


def _trigger(move: OrganizationMove) -> str:
    return f"while_moving_{move.organization_id.hex}"
