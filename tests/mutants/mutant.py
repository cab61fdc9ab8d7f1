"""A deliberate defect."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A defect that the suite must notice: SQL run after the migrations, or a line of the code replaced."""

    name: str
    sql: str = ""
    file: str = ""
    old: str = ""
    new: str = ""
    suites: tuple[str, ...] = ("tests/security", "tests/integration", "tests/writes")
    """Where it is hunted, the likeliest first; the hunt ends at the first red test."""
