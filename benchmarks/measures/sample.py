"""One window of one round."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sample:
    """`key` says what was measured, `figures` what came out; `answers` were given and checked, all of them."""

    measure: str
    round: int
    key: dict[str, Any]
    answers: int
    checked: int
    figures: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Give it as the result file holds it."""
        return asdict(self)
