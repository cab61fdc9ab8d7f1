"""What became of one case of an attack."""

from dataclasses import dataclass

from tests.support.attack import Attack

SUCCEEDED = "**SUCCEEDED**"


@dataclass(frozen=True)
class AttackOutcome:
    """A test, one of its cases, and how it ended."""

    attack: Attack
    test: str
    hope: str
    outcome: str

    @property
    def result(self) -> str:
        """What the report says of this case."""
        return self.attack.result if self.outcome == "passed" else SUCCEEDED if self.outcome == "failed" else "skipped"
