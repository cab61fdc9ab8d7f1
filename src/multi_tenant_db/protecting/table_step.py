"""How far the protection of a table is."""

from enum import StrEnum


class TableStep(StrEnum):
    """What has been done, in this order. The catalogue tells it, so an interrupted command goes on when run again."""

    UNTOUCHED = "untouched"
    PREPARED = "prepared"
    VALIDATED = "validated"
    SHADOWED = "shadowed"
    ENFORCED = "enforced"

    @property
    def what_next(self) -> str:
        """Return the commands that lead on, as `mtdb table` knows them."""
        return {
            TableStep.UNTOUCHED: "prepare",
            TableStep.PREPARED: "backfill, then validate",
            TableStep.VALIDATED: "shadow",
            TableStep.SHADOWED: "enforce",
            TableStep.ENFORCED: "mtdb check",
        }[self]
