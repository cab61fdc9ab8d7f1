"""What an attack is called and what became of it: a mark on its test, which the report reads."""

from collections.abc import Callable
from dataclasses import dataclass

GROUPS = (
    "forging and replaying the context",
    "stealing tokens",
    "exceeding a token",
    "hijacking",
    "tampering with records",
    "side channels",
    "unusual statements",
    "over HTTP",
    "through time",
    "while an organisation moves",
    "while a table is being protected",
    "known holes of PostgreSQL",
    "on a hardened server",
)
"""In the order of the report."""


@dataclass(frozen=True)
class Attack:
    """The group an attack belongs to, its result while the test passes, and how far a residual reaches."""

    group: str
    result: str
    reach: str = ""

    def __post_init__(self) -> None:
        if self.group not in GROUPS:
            raise ValueError(f"there is no group of attacks called {self.group!r}")

    def __call__[**P, R](self, test: Callable[P, R]) -> Callable[P, R]:
        """Mark a test; its docstring says what the attacker hopes for."""
        vars(test)["attack"] = self
        return test


def refused(group: str) -> Attack:
    """Mark an attack that the database answers with an error, or by doing nothing."""
    return Attack(group, "refused")


def sees_nothing(group: str) -> Attack:
    """Mark an attack that is carried out and brings nothing that the attacker did not have."""
    return Attack(group, "sees nothing")


def residual(group: str, reach: str) -> Attack:
    """Mark what cannot be closed completely; the test shows the reach, which the report states."""
    return Attack(group, "residual", reach)
