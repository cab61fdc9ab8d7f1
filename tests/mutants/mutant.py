"""A deliberate defect."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A defect that the suite must notice: SQL run after the migrations, or a passage of the code replaced."""

    name: str
    killers: tuple[str, ...]
    """The tests that should notice it, below `tests/`; they run first, the rest only if they pass."""
    sql: str = ""
    file: str = ""
    old: str = ""
    new: str = ""
