"""What the source's catalogue says about a move: the comment of its publication."""

import json
from dataclasses import asdict, dataclass
from typing import Self

import asyncpg

from multi_tenant_db.moving.administration import quoted
from multi_tenant_db.moving.organization_move import OrganizationMove

COMMENT = """
    SELECT obj_description(publication.oid, 'pg_publication')
    FROM pg_publication AS publication
    WHERE publication.pubname = $1
"""


@dataclass(frozen=True)
class Marker:
    """A move under way. It is written with the publication, and deleted with it at the very end."""

    target: str
    """The label of the server that the organisation moves to."""
    tables_with_full_identity: tuple[str, ...] = ()
    """Tables whose replica identity was changed for the move, and is to be the default again."""
    is_switched: bool = False
    """Whether the organisation belongs to the target already."""

    @classmethod
    async def find(cls, source: asyncpg.Connection, name: str) -> Self | None:
        """Return the marker of the move with this name, or None."""
        comment = await source.fetchval(COMMENT, name)
        if comment is None:
            return None
        values = json.loads(comment)
        return cls(values["target"], tuple(values["tables_with_full_identity"]), values["is_switched"])

    async def write(self, move: OrganizationMove) -> None:
        """Write it, in the transaction of the change that it tells of."""
        text = await quoted(move.source, json.dumps(asdict(self)))
        await move.source.execute(f"COMMENT ON PUBLICATION {move.name} IS {text}")
