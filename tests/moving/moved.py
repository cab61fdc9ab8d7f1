"""Moves an organisation in this process, and does something in between."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from multi_tenant_db.moving.move_step import MoveStep
from multi_tenant_db.moving.moving import steps
from multi_tenant_db.moving.organization_move import OrganizationMove
from tests.moving.two_servers import THERE, TwoServers


async def moved(
    both: TwoServers,
    organization_id: UUID,
    to: str = THERE,
    *,
    max_pause: float = 10.0,
    at: Mapping[MoveStep, Callable[[], Awaitable[object]]] | None = None,
) -> OrganizationMove:
    """Move it; after a step in `at`, call what is there. Raises MoveError."""
    async with both.move(organization_id, to, max_pause=max_pause) as move:
        async for step in steps(move):
            if at and step in at:
                await at[step]()
        return move
