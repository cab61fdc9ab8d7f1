"""One statement, before it is written in SQL or HTTP."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from tests.security.model.verb import Verb

type Level = Literal["parent", "subsidiary"]
type OnConflict = Literal["fail", "nothing", "update"]
type Matched = Literal["nothing", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Action:
    """What a caller tries. Without a target the statement has no WHERE at all: it takes whatever policies leave it."""

    verb: Verb
    target: UUID | None = None
    whole_organization: bool = False
    """The target is an organisation: DELETE all of it."""
    version: int | None = None
    """Only if the target still has this version."""

    tenant_type: Level = "subsidiary"
    parent_id: UUID | None = None
    name: str | None = None
    note: int = 0
    on_conflict: OnConflict = "fail"

    matched: Matched = "nothing"
    """What MERGE does with the target when it finds it."""
    unmatched_insert: bool = False
    """Whether MERGE inserts when it does not."""

    @property
    def writes(self) -> bool:
        """Whether the statement might change anything."""
        return self.verb is not Verb.SELECT
