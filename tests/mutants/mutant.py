"""A deliberate defect."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A defect that the suite must notice: SQL run after the migrations, or a passage of the code replaced."""

    name: str
    killers: tuple[str, ...]
    """The tests that ought to notice it, below `tests/`; they are asked first, the rest only if they do not."""
    sql: str = ""
    file: str = ""
    old: str = ""
    new: str = ""
