"""A move that is killed after a step: `python -m tests.moving.killed_move ORGANIZATION STEP SOURCE TARGET`."""

import asyncio
import os
import signal
import sys
from uuid import UUID

from sqlalchemy import make_url

from multi_tenant_db.moving.administration import connect, connection_string
from multi_tenant_db.moving.moving import steps
from multi_tenant_db.moving.organization_move import OrganizationMove
from tests.moving.two_servers import HERE, THERE

MAX_PAUSE = 6.0
"""Enough for the steps up to the switch on a busy machine; a move that is killed in its pause uses it up."""


async def main() -> None:
    """Move until the step is done; then nothing is cleaned up."""
    organization_id, last, source_url, target_url = UUID(sys.argv[1]), sys.argv[2], *map(make_url, sys.argv[3:])
    move = OrganizationMove(
        organization_id,
        await connect(source_url, HERE),
        await connect(source_url, HERE),
        await connect(target_url, THERE),
        HERE,
        THERE,
        connection_string(source_url),
        MAX_PAUSE,
    )
    async for step in steps(move):
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main())
