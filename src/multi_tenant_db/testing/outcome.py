"""What a trial came to."""

from collections.abc import Sequence
from dataclasses import dataclass

NOT_PERMITTED, INVALID_TOKEN = "42501", "28000"
AUDIT_TRIGGER = "the context has changed since the access token was checked"
"""With this message the audit trail's trigger refuses a row that a policy should have refused before."""


@dataclass(frozen=True)
class Outcome:
    """The rows that a statement returned, the number of rows it reached, or the server's error."""

    rows: Sequence[Sequence[object]] = ()
    affected: int = 0
    sqlstate: str = ""
    message: str = ""

    @property
    def is_refusal(self) -> bool:
        """Whether grants, policies or the verification of the token refused the statement."""
        return self.sqlstate in {NOT_PERMITTED, INVALID_TOKEN} and not self.was_left_to_the_trigger

    @property
    def was_left_to_the_trigger(self) -> bool:
        """Whether only the trigger of the audit trail refused it."""
        return AUDIT_TRIGGER in self.message
