"""A move of one organisation from one server to another."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from multi_tenant_db.moving.move_name import move_name
from multi_tenant_db.moving.moved_table import MovedTable


@dataclass
class OrganizationMove:
    """What all steps need. The connections are an administrator's, of `administration.connect`."""

    organization_id: UUID
    source: asyncpg.Connection
    reader: asyncpg.Connection
    """A second session on the source."""
    target: asyncpg.Connection
    source_label: str
    target_label: str
    connection_string: str
    """How the target server reaches the source, with a password."""
    max_pause: float = 1.0
    """Seconds for which writes of the organisation may be refused."""
    report: Callable[[str], None] = lambda _line: None
    copied: Callable[[int, int], None] = lambda _rows, _of: None
    tables: tuple[MovedTable, ...] = ()
    """Those that are replicated; found by the checks."""
    is_left_behind: bool | None = None
    """Whether the servers hold what was begun of a move, which goes on when run again; None before it is known."""
    pauses: list[float] = field(default_factory=list)
    """For how many seconds writes were refused, for each attempt to switch."""

    @property
    def name(self) -> str:
        """Return the name of its publication, replication slot and subscription."""
        return move_name(self.organization_id)
