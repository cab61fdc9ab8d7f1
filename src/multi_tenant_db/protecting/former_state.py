"""What a step changed and its undo restores: the comment of the column organization_id."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

PREFIX = "mtdb table: "


@dataclass(frozen=True)
class FormerState:
    """Is written in the transaction of the change that it tells of, and is dropped with the column."""

    type_was_public: bool
    """Whether PUBLIC could use the row type."""
    grants: tuple[tuple[str, str | None, str, bool], ...] = ()
    """Before `enforce`: privilege, column or None, role, and whether the role could grant it."""
    statistics: dict[str, int | None] | None = None
    """Before `enforce`: the target of each column."""
    index_statistics: tuple[tuple[str, int, int | None], ...] = ()
    """Before `enforce`: the target of each expression: index, number, target."""

    @classmethod
    def read(cls, comment: str | None) -> Self | None:
        """Return what a comment says, None for a comment of another origin."""
        if comment is None or not comment.startswith(PREFIX):
            return None
        values: dict[str, Any] = json.loads(comment.removeprefix(PREFIX))
        grants = tuple((privilege, column, role, option) for privilege, column, role, option in values.pop("grants"))
        targets = tuple((index, number, target) for index, number, target in values.pop("index_statistics"))
        return cls(**values, grants=grants, index_statistics=targets)

    def written(self) -> str:
        """Return the comment."""
        return PREFIX + json.dumps(asdict(self))
