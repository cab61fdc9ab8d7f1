"""What came of a statement."""

from dataclasses import dataclass

from tests.security.model.forest import Forest
from tests.security.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Observation:
    """Rows seen or written, and the SQLSTATE of a refusal; `rows` only where the statement returned some."""

    count: int
    error: str | None
    rows: Forest | None = None

    def fits(self, verdict: Verdict) -> bool:
        """Say whether the judge would have it so."""
        if verdict.perhaps_invalid_token and self.error == "28000":
            return True
        return (self.count, self.error) == (verdict.count, verdict.error)
