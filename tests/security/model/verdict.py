"""What must come of an action."""

from dataclasses import dataclass

from tests.security.model.forest import Forest


@dataclass(frozen=True, slots=True)
class Verdict:
    """The forest afterwards, how many rows were seen or written, and the SQLSTATE of a refusal.

    `perhaps_invalid_token`: a bad token may be error 28000, or find nothing, where no row made the database verify it.
    """

    forest: Forest
    count: int = 0
    error: str | None = None
    perhaps_invalid_token: bool = False
