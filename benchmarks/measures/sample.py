"""One window of one round."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sample:
    """`key` identifies the measurement, `figures` are its results; all `responses` must be `checked`."""

    measure: str
    round: int
    key: dict[str, Any]
    responses: int
    checked: int
    figures: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the sample for the result file."""
        return asdict(self)
